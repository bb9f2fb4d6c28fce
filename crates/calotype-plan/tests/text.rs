//! Texts in plans: how they are read, printed, told apart and counted (spec section 8, binding spec 2.4).

#![allow(clippy::unwrap_used)] // A test may end by it, in its helpers too.

use calotype_plan::{
    AcceptedFormats, BindingForm, BindingLayer, ClientHints, Door, Fault, FaultKind, Limits, Op, Options, OutputFields,
    Plan, Size, Warning,
};

fn by_url(options: &str) -> Plan {
    let options = Options::parse_url(options, &Limits::default()).unwrap();
    options.plan(&ClientHints::default()).plan
}

fn by_object(json: &str) -> Result<Plan, Fault> {
    let options = Options::parse_json(json, Door::Object, &Limits::default())?;
    Ok(options.plan(&ClientHints::default()).plan)
}

fn by_binding(layers: &[Option<&str>], transforms: &str) -> Result<Plan, Fault> {
    let layers = layers
        .iter()
        .map(|layer| layer.map_or(BindingLayer::Image, BindingLayer::Text));
    let form = BindingForm {
        layers: layers.collect(),
        transforms,
        output: OutputFields {
            format: "image/png",
            ..OutputFields::default()
        },
    };
    Ok(form.parse(&Limits::default())?.plan)
}

#[test]
fn one_text_is_one_plan_at_every_door() {
    let url = by_url(
        "draw.text=Hi%2C you%0Athere,draw.font.url=https:%2F%2Fa.test%2Ff.ttf,draw.size=20.5,draw.color=red,draw.left=3,format=png",
    );
    let object = by_object(
        r#"{"draw":[{"text":"Hi, you\nthere","font":{"url":"https://a.test/f.ttf"},"size":20.5,"color":"red","left":3}],"format":"png"}"#,
    );
    let binding = by_binding(
        &[
            None,
            Some(r##"{"text":"Hi, you\nthere","font":{"url":"https://a.test/f.ttf"},"size":20.5,"color":"#f00"}"##),
        ],
        r#"[{"drawImageIndex":1,"targetImageIndex":0,"left":3}]"#,
    );
    assert_eq!(object, Ok(url.clone()));
    assert_eq!(binding, Ok(url.clone()));
    assert_eq!(url.font_urls(), ["https://a.test/f.ttf"]);
    assert!(url.overlay_urls().is_empty());
    assert_eq!(Plan::from_canonical(&url.canonical(), &Limits::default()), Ok(url));
    // What was not said.
    let plain = by_url("draw.text=Hi,format=png");
    assert_eq!(
        plain.canonical(),
        "draw.0.text=Hi,draw.0.size=12,draw.0.color=%23000000,format=png"
    );
}

#[test]
fn everything_about_a_text_is_in_the_key() {
    let key = |options: &str| by_url(options).key(AcceptedFormats::default());
    let same = key("draw.text=Hi");
    assert_eq!(key("draw.text=Hi,draw.size=12,draw.color=black"), same);
    for other in [
        "draw.text=hi",
        "draw.text=Hi,draw.size=12.5",
        "draw.text=Hi,draw.color=%23010000",
        "draw.text=Hi,draw.color=%2300000080",
        "draw.text=Hi,draw.font.url=https:%2F%2Fa.test%2Ff.ttf",
        "draw.text=Hi,draw.left=0",
    ] {
        assert_ne!(key(other), same, "{other}");
    }
}

#[test]
fn a_plan_may_start_from_a_text() {
    let canvas = r#"{"text":"a|b=c","size":48}"#;
    let layers = [
        Some(canvas),
        Some(r#"{"text":"x","font":{"url":"https://a.test/2"}}"#),
        None,
    ];
    let list = r#"[{"imageIndex":1,"width":40},{"drawImageIndex":1,"targetImageIndex":0},{"drawImageIndex":2,"targetImageIndex":0}]"#;
    let plan = by_binding(&layers, list).unwrap();
    assert_eq!(
        plan.canonical(),
        "text=a%7Cb%3Dc,size=48,color=%23000000|draw.0.text=x,draw.0.font.url=https:%2F%2Fa.test%2F2,draw.0.size=12,draw.0.color=%23000000,\
         draw.0.width=40,draw.1.part=2,format=png"
            .replace("https:%2F%2Fa.test%2F2", &percent("https://a.test/2"))
    );
    assert_eq!(
        Plan::from_canonical(&plan.canonical(), &Limits::default()),
        Ok(plan.clone())
    );
    assert!(plan.changes_pixels());
    let texts: Vec<&str> = plan.texts().iter().map(|text| text.text.as_str()).collect();
    assert_eq!(texts, ["a|b=c", "x"]);
    let bare = by_binding(&[Some(canvas)], "[]").unwrap();
    assert_eq!(
        Plan::from_canonical(&bare.canonical(), &Limits::default()),
        Ok(bare.clone())
    );
    assert_ne!(
        bare.key(AcceptedFormats::default()),
        by_binding(&[None], "[]").unwrap().key(AcceptedFormats::default())
    );
}

fn percent(url: &str) -> String {
    url.replace('/', "%2F")
}

#[test]
fn lengths_are_those_of_images_unless_the_binding_transforms_a_text() {
    let options = Options::parse_url("draw.text=Hi,draw.width=40,draw.rotate=90", &Limits::default()).unwrap();
    let planned = options.plan(&ClientHints::default());
    assert_eq!(planned.warnings, [Warning::UnknownOption("draw.0.width".into())]);
    assert_eq!(planned.plan, by_url("draw.text=Hi,draw.rotate=90"));
    let plan = by_binding(
        &[None, Some(r#"{"text":"x"}"#)],
        r#"[{"imageIndex":1,"width":40},{"drawImageIndex":1,"targetImageIndex":0}]"#,
    )
    .unwrap();
    let [Op::Draw(draw)] = plan.ops.as_slice() else {
        panic!("{plan:?}")
    };
    assert!(matches!(draw.ops.as_slice(), [Op::Resize(_)]));
}

#[test]
fn wrong_texts_are_refused_at_the_doors_that_refuse() {
    for (members, words) in [
        (r#""text":"""#, "at least one character"),
        (r#""text":"x","size":0"#, "above 0 and at most 4096 px"),
        (r#""text":"x","size":-1"#, "above 0 and at most 4096 px"),
        (r#""text":"x","size":5000"#, "above 0 and at most 4096 px"),
        (r#""text":"x","size":"NaN""#, "must be a number"),
        (r#""text":"x","font":{"url":"ftp://a.test/f"}"#, "http"),
        (r#""text":"x","url":"https://a.test/i.png""#, "both url and text"),
        (r#""size":12"#, "neither url nor text"),
    ] {
        let fault = by_object(&format!(r#"{{"draw":[{{{members}}}]}}"#)).unwrap_err();
        assert!(fault.public_message().contains(words), "{members}: {fault}");
    }
    let long = "é".repeat(1000);
    assert!(by_object(&format!(r#"{{"draw":[{{"text":"{long}"}}]}}"#)).is_ok());
    assert!(by_object(&format!(r#"{{"draw":[{{"text":"{long}é"}}]}}"#)).is_err());
    // By URL what cannot be read is dropped, and what is out of range refused.
    let url = |size: &str| Options::parse_url(&format!("draw.text=x,draw.size={size}"), &Limits::default());
    assert!(url("NaN").is_ok());
    for size in ["0", "-3", "4096.1", "99999999"] {
        assert_eq!(url(size).unwrap_err().code(), 9401, "{size}");
    }
}

#[test]
fn a_text_is_estimated_before_its_font_is_known() {
    let estimate = |options: &str| by_url(options).texts()[0].size_estimate();
    assert_eq!(estimate("draw.text=abc%0Aa,draw.size=10"), Size::new(60, 40));
    assert_eq!(estimate("draw.text=abc,draw.size=4096"), Size::new(4096, 4096));
    assert_eq!(estimate("draw.text=a,draw.size=0.001"), Size::new(2, 2));
}

#[test]
fn what_befalls_a_font_has_its_code_and_the_status_of_the_failure() {
    let url = "https://a.test/f.ttf";
    for (kind, code, status) in [
        (FaultKind::SourceNotFound, 9410, 404),
        (FaultKind::InvalidSourceUrl, 9410, 403),
        (FaultKind::OriginRefused(418), 9410, 418),
        (FaultKind::HostNotFound, 9410, 523),
        (FaultKind::DownloadTimeout, 9410, 524),
        (FaultKind::TooManyRedirects, 9410, 400),
        (FaultKind::SourceTooLarge, 9401, 400),
        (FaultKind::OriginNotAllowed, 9401, 403),
        (FaultKind::Loop, 9403, 508),
        (FaultKind::Busy, 9522, 503),
    ] {
        let fault = Fault::new(kind, "why").with_detail("for the log").of_font(url);
        assert_eq!((fault.code(), fault.status()), (code, status), "{kind:?}");
        assert_eq!(fault.detail(), Some("for the log"));
        if code == 9410 {
            assert!(
                fault.public_message().contains(url) && fault.public_message().contains("why"),
                "{fault}"
            );
            assert_eq!(fault.kind().is_retryable(), status >= 500);
        }
    }
}
