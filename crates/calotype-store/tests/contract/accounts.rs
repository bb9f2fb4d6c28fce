use calotype_store::{Config, Networks, NewToken, Scope, Store, StoreError, Variant, VariantOptions};
use serde_json::{Map, Value, json};

use crate::support::{NOW_MS, place, plain};

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[tokio::test]
async fn the_first_account_is_made_once_and_found_by_both_its_names() {
    let Some(place) = place().await else { return };
    let account = &place.account;
    assert_eq!(account.id.len(), 32);
    assert_eq!(account.hash.len(), 22);
    assert_eq!(place.store.default_account().await.unwrap(), *account);
    assert_eq!(
        place.store.account_by_id(&account.id).await.unwrap().as_ref(),
        Some(account)
    );
    assert_eq!(
        place.store.account_by_hash(&account.hash).await.unwrap().as_ref(),
        Some(account)
    );
    assert_eq!(place.store.account_by_id("a\0b").await.unwrap(), None);
    let second = place.store.create_account("second").await.unwrap();
    assert_ne!((&second.id, &second.hash), (&account.id, &account.hash));
    assert_eq!(place.store.accounts().await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_was_stored_is_there_when_the_store_is_opened_again() {
    let Some(place) = place().await else { return };
    let image = place.keep(plain(), b"bytes").await.unwrap();
    place.store.close().await;
    let store = Store::open(place.settings.clone()).await.unwrap();
    assert_eq!(
        store.image(&place.account, image.id.as_str()).await.unwrap(),
        Some(image)
    );
    // The keys open with the key that was made the first time.
    assert_eq!(store.signing_keys(&place.account).await.unwrap().len(), 1);
}

#[tokio::test]
async fn tokens_are_known_by_their_secret_until_they_end_or_are_revoked() {
    let Some(place) = place().await else { return };
    let (account, store) = (&place.account, &place.store);
    let (forever, first) = store.create_token(account, "ci", Scope::Write, None).await.unwrap();
    let (short, second) = store
        .create_token(account, "visitor", Scope::Read, Some(NOW_MS + 1_000))
        .await
        .unwrap();
    assert_eq!(store.token(first.reveal()).await.unwrap(), Some(forever.clone()));
    assert_eq!(store.token(second.reveal()).await.unwrap().unwrap().scope, Scope::Read);
    assert_eq!(store.token("ctk_something").await.unwrap(), None);
    place.clock.advance_ms(1_000);
    assert_eq!(store.token(second.reveal()).await.unwrap(), None, "it has ended");
    store.revoke_token(account, &forever.id).await.unwrap();
    assert_eq!(store.token(first.reveal()).await.unwrap(), None);
    assert!(matches!(
        store.revoke_token(account, &forever.id).await,
        Err(StoreError::Missing(_))
    ));
    assert_eq!(store.tokens(account).await.unwrap(), [short]);
    assert!(
        store
            .create_token(account, "late", Scope::Read, Some(NOW_MS))
            .await
            .is_err()
    );
    for file in std::fs::read_dir(place.directory.path()).unwrap() {
        let path = file.unwrap().path();
        let bytes = if path.is_file() {
            std::fs::read(path).unwrap()
        } else {
            continue;
        };
        let secret = first.reveal().as_bytes();
        assert!(
            !bytes.windows(secret.len()).any(|window| window == secret),
            "no secret is on the disk"
        );
    }
}

#[tokio::test]
async fn a_token_keeps_the_networks_that_it_is_bound_to() {
    let Some(place) = place().await else { return };
    let (account, store) = (&place.account, &place.store);
    let networks = Networks::new(
        vec!["10.0.0.0/8".parse().unwrap()],
        vec!["10.1.0.0/16".parse().unwrap()],
    )
    .unwrap();
    let new = |name: &str| NewToken {
        name: name.to_owned(),
        scope: Scope::Read,
        expires_ms: None,
        networks: networks.clone(),
    };
    let (made, secret) = store.create_token_of(account, new("office")).await.unwrap();
    assert!(!made.is_unbound());
    let found = store.token(secret.reveal()).await.unwrap();
    assert_eq!(found.as_ref().map(|token| &token.networks), Some(&networks));
    assert_eq!(found, Some(store.token_by_id(account, &made.id).await.unwrap()));
    for name in ["", "a\nb", &"x".repeat(121)] {
        assert!(store.create_token_of(account, new(name)).await.is_err(), "{name:?}");
    }
    let other = store.create_account("other").await.unwrap();
    assert!(matches!(
        store.token_by_id(&other, &made.id).await,
        Err(StoreError::Missing("token"))
    ));
}

#[tokio::test]
async fn batch_tokens_live_an_hour() {
    let Some(place) = place().await else { return };
    let token = place.store.create_batch_token(&place.account).await.unwrap();
    assert_eq!(token.expires_ms, NOW_MS + 3_600_000);
    assert_eq!(
        place.store.account_of_batch_token(token.secret.reveal()).await.unwrap(),
        Some(place.account.clone())
    );
    place.clock.advance_ms(3_600_000);
    assert_eq!(
        place.store.account_of_batch_token(token.secret.reveal()).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn signing_keys_are_made_rotated_and_never_run_out() {
    let Some(place) = place().await else { return };
    let (account, store) = (&place.account, &place.store);
    let names = || async {
        let keys = store.signing_keys(account).await.unwrap();
        keys.into_iter().map(|key| key.name).collect::<Vec<_>>()
    };
    let value = |name: &'static str| async move {
        let keys = store.signing_keys(account).await.unwrap();
        keys.into_iter()
            .find(|key| key.name == name)
            .unwrap()
            .value
            .reveal()
            .to_owned()
    };
    let first = value("default").await;
    assert!(first.len() == 32 && first.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    place.clock.advance_ms(1);
    store.put_signing_key(account, "autumn", 2).await.unwrap();
    assert_eq!(names().await, ["default", "autumn"]);
    assert!(matches!(
        store.put_signing_key(account, "winter", 2).await,
        Err(StoreError::Full { max: 2, .. })
    ));
    store.put_signing_key(account, "default", 2).await.unwrap();
    assert_ne!(value("default").await, first, "rotated");
    store.delete_signing_key(account, "default").await.unwrap();
    assert_eq!(names().await, ["autumn"]);
    store.delete_signing_key(account, "autumn").await.unwrap();
    assert_eq!(names().await, ["default"], "there is always one");
    assert!(matches!(
        store.delete_signing_key(account, "autumn").await,
        Err(StoreError::Missing(_))
    ));
    for name in ["", "a-b", "a b", "ü", "abcdefghijklmnopqrstu"] {
        assert!(
            matches!(
                store.put_signing_key(account, name, 2).await,
                Err(StoreError::Invalid(_))
            ),
            "{name}"
        );
    }
}

#[tokio::test]
async fn variants_are_made_changed_and_deleted_but_for_public() {
    let Some(place) = place().await else { return };
    let (account, store) = (&place.account, &place.store);
    let public = store.variant(account, "public").await.unwrap().unwrap();
    assert_eq!(
        Value::Object(public.options.to_json()),
        json!({"fit": "scale-down", "metadata": "none", "width": 1366, "height": 768})
    );
    let teaser = Variant {
        name: "teaser".to_owned(),
        options: VariantOptions::default()
            .with(&object(
                json!({"fit": "cover", "width": 320, "blur": 25, "browser_ttl": 3600}),
            ))
            .unwrap(),
        never_requires_signed_urls: true,
    };
    store.create_variant(account, &teaser, 100).await.unwrap();
    assert!(matches!(
        store.create_variant(account, &teaser, 100).await,
        Err(StoreError::Taken(_))
    ));
    let other = Variant {
        name: "Other".to_owned(),
        ..teaser.clone()
    };
    assert!(matches!(
        store.create_variant(account, &other, 2).await,
        Err(StoreError::Full { .. })
    ));
    store.create_variant(account, &other, 3).await.unwrap();
    let names: Vec<_> = store
        .variants(account)
        .await
        .unwrap()
        .into_iter()
        .map(|v| v.name)
        .collect();
    assert_eq!(names, ["public", "Other", "teaser"]);
    let changed = store
        .update_variant(
            account,
            "teaser",
            &object(json!({"width": 480, "blur": 0, "browser_ttl": null})),
            Some(false),
        )
        .await
        .unwrap();
    assert_eq!(
        Value::Object(changed.options.to_json()),
        json!({"fit": "cover", "metadata": "copyright", "width": 480})
    );
    assert_eq!(store.variant(account, "teaser").await.unwrap(), Some(changed));
    store.delete_variant(account, "teaser").await.unwrap();
    assert!(matches!(
        store.delete_variant(account, "teaser").await,
        Err(StoreError::Missing(_))
    ));
    store.delete_variant(account, "public").await.unwrap();
    assert!(store.variant(account, "public").await.unwrap().is_some());
    assert!(matches!(
        store.update_variant(account, "nosuch", &Map::new(), None).await,
        Err(StoreError::Missing(_))
    ));
}

#[tokio::test]
async fn variant_options_are_checked_one_by_one() {
    for wrong in [
        json!({"fit": "stretch"}),
        json!({"fit": 1}),
        json!({"metadata": "all"}),
        json!({"width": 0}),
        json!({"width": 12_001}),
        json!({"height": "100"}),
        json!({"blur": 251}),
        json!({"blur": 0.5}),
        json!({"browser_ttl": 3_599}),
        json!({"browser_ttl": 31_536_001}),
        json!({"browser_ttl": 3600.5}),
        json!({"widht": 100}),
    ] {
        let refused = VariantOptions::default().with(&object(wrong.clone()));
        assert!(matches!(refused, Err(StoreError::Invalid(_))), "{wrong}");
    }
    for right in [
        json!({"width": 12_000}),
        json!({"blur": 250}),
        json!({"browser_ttl": 31_536_000}),
        json!({}),
    ] {
        assert!(
            VariantOptions::default().with(&object(right.clone())).is_ok(),
            "{right}"
        );
    }
}

#[tokio::test]
async fn settings_of_an_account_stay_set() {
    let Some(place) = place().await else { return };
    let config = Config {
        flexible_variants: true,
        browser_ttl_s: Some(7_200),
    };
    place.store.set_config(&place.account, config).await.unwrap();
    assert_eq!(place.store.default_account().await.unwrap().config, config);
}
