use std::time::Duration;

use calotype_store::{Delivery, Usage};

use crate::support::{NOW_MS, place};

const DAY_MS: i64 = 86_400_000;
const TODAY: i64 = NOW_MS / DAY_MS;

fn thumb(status: u16) -> Delivery {
    Delivery {
        variant: "thumb".to_owned(),
        media_type: if status == 304 { "" } else { "image/webp" },
        status,
    }
}

fn of_day(day: i64, status: u16, requests: u64, bytes: u64) -> Usage {
    Usage {
        day,
        variant: "thumb".to_owned(),
        media_type: thumb(status).media_type.to_owned(),
        status,
        requests,
        bytes,
    }
}

#[tokio::test]
async fn answers_add_up_by_day_and_kind_and_account_and_old_days_are_forgotten() {
    let Some(place) = place().await else { return };
    let (store, account) = (&place.store, &place.account);
    let other = store.create_account("other").await.unwrap();
    for bytes in [100, 50] {
        store.count_delivery(account, thumb(200), bytes);
    }
    store.count_delivery(account, thumb(304), 0);
    store.count_delivery(&other, thumb(200), 7);
    assert_eq!(store.usage(account, 1).await.unwrap(), [], "nothing is written yet");
    store.write_usage().await.unwrap();
    store.write_usage().await.unwrap();
    let today = [of_day(TODAY, 304, 1, 0), of_day(TODAY, 200, 2, 150)];
    assert_eq!(store.usage(account, 1).await.unwrap(), today);

    place.clock.advance_ms(DAY_MS);
    store.count_delivery(account, thumb(200), 1);
    store.write_usage().await.unwrap();
    store.count_delivery(account, thumb(200), 2);
    store.write_usage().await.unwrap();
    let tomorrow = of_day(TODAY + 1, 200, 2, 3);
    assert_eq!(store.usage(account, 1).await.unwrap(), std::slice::from_ref(&tomorrow));
    assert_eq!(store.usage(account, 2).await.unwrap().len(), 3);
    assert_eq!(store.usage(&other, 400).await.unwrap(), [of_day(TODAY, 200, 1, 7)]);

    place.clock.advance_ms(399 * DAY_MS);
    let collected = store.collect(Duration::ZERO).await.unwrap();
    assert_eq!(collected.usage_days, 3);
    assert_eq!(store.usage(account, 1_000).await.unwrap(), [tomorrow]);
}
