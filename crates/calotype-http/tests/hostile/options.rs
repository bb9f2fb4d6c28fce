//! Options that are unknown, malformed, too many or too long.

use calotype_plan::Size;

use super::{Scene, check_refused};
use crate::support::reader::inspect;

#[tokio::test(flavor = "multi_thread")]
async fn options_that_cannot_be_meant_are_refused_with_a_reason() {
    let scene = Scene::start().await;
    let overlay = |n| format!("draw.{n}.url=http:%2F%2Fpictures.example%2Fgood.png");
    let crowded = (0..33).map(overlay).collect::<Vec<_>>().join(",");
    for (options, hint) in [
        ("", "option"),
        ("thumb", "option"),
        ("foo=1", "option"),
        ("w=abc", "option"),
        ("w=-5", "option"),
        ("w=1e3", "option"),
        ("w=0", "option"),
        ("w=%00", "option"),
        ("w=%ff%fe", "option"),
        (",,,,", "option"),
        ("=,=,=", "option"),
        ("w=10,blur=300", "blur"),
        ("w=10,brightness=-1", "brightness"),
        ("w=10,sharpen=11", "sharpen"),
        ("w=10,rotate=45", "rotate"),
        ("w=10,g=2x2", "0.5x0.2"),
        (
            "w=10,draw.url=http:%2F%2Fpictures.example%2Fgood.png,draw.left=1,draw.right=1",
            "left",
        ),
        ("w=10,draw.left=5", "draw"),
        (&crowded, "32"),
    ] {
        let answer = scene
            .server
            .get(&format!("/cdn-cgi/image/{options}/http://pictures.example/good.png"))
            .await;
        check_refused(options, &answer, 400, 9401, hint);
    }
    assert_eq!(
        scene.origin.targets(),
        [""; 0],
        "nothing is fetched for options that are refused"
    );
    scene.check_alive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_and_unreadable_options_beside_a_good_one_are_left_out_with_a_warning() {
    let scene = Scene::start().await;
    for (options, warnings) in [
        ("w=30,foo=1", &["unknown option: foo"][..]),
        ("w=30,fit=foo", &["invalid value for fit"]),
        (
            "w=30,h=abc,quality=best",
            &["invalid value for h", "invalid value for quality"],
        ),
        ("w=30,h=1e3", &["invalid value for h"]),
        ("w=30,,", &[]),
        ("W=30", &[]),
    ] {
        let answer = scene
            .server
            .get(&format!("/cdn-cgi/image/{options}/http://pictures.example/good.png"))
            .await
            .transformed();
        let names = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| text.replace("for height", "for h"))
                .collect::<Vec<_>>()
        };
        let found = answer.warnings();
        assert_eq!(
            names(&found.iter().map(String::as_str).collect::<Vec<_>>()),
            names(warnings),
            "{options}"
        );
        assert_eq!(inspect(&answer.body).1, Size::new(30, 20), "{options}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_width_of_any_size_is_a_width() {
    let scene = Scene::start().await;
    let huge = "9".repeat(40);
    let answer = scene
        .server
        .get(&format!("/cdn-cgi/image/w={huge}/http://pictures.example/good.png"))
        .await
        .transformed();
    assert_eq!(inspect(&answer.body).1, Size::new(60, 40), "scale-down never enlarges");
    let target = format!("/cdn-cgi/image/w={huge},fit=contain/http://pictures.example/good.png");
    check_refused("enlarged", &scene.server.get(&target).await, 403, 9413, "12000");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_option_can_write_a_header() {
    let scene = Scene::start().await;
    for options in [
        "w=30,x%0d%0aX-Evil:%201=5",
        "w%3D30%2Cx%0D%0AX-Evil%3A%201%3D5",
        "w%3D30%2C%22%0D%0A%0D%0A%3Chtml%3E%3D5",
        "w%3D30%2C%00%3D5",
        "w%3D30%2C%C3%A9%3D5",
    ] {
        let answer = scene
            .server
            .get(&format!("/cdn-cgi/image/{options}/http://pictures.example/good.png"))
            .await
            .transformed();
        assert_eq!(answer.header("x-evil"), None, "{options}");
        assert_eq!(inspect(&answer.body).1, Size::new(30, 20), "{options}");
    }
}
