use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use calotype_store::{GRACE, StoreError};

use crate::support::{place, plain};

const GRACE_MS: i64 = 3_600_000;

#[test]
fn a_directory_that_the_store_makes_is_its_owners_alone() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("data/calotype");
    calotype_store::make_directory(&directory).unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&directory), mode(&parent.path().join("data"))), (0o700, 0o700));
    std::fs::set_permissions(&directory, PermissionsExt::from_mode(0o750)).unwrap();
    calotype_store::make_directory(&directory).unwrap();
    assert_eq!(mode(&directory), 0o750, "one that is there stays as it is");
}

#[tokio::test]
async fn equal_bytes_are_kept_once_and_until_the_last_image_of_them_is_gone() {
    let Some(place) = place().await else { return };
    let first = place.keep(plain(), b"same").await.unwrap();
    let second = place.keep(plain(), b"same").await.unwrap();
    place.keep(plain(), b"other").await.unwrap();
    assert_eq!(place.files().len(), 2);
    place
        .store
        .delete_image(&place.account, first.id.as_str())
        .await
        .unwrap();
    place.clock.advance_ms(2 * GRACE_MS);
    assert_eq!(place.store.collect(GRACE).await.unwrap().originals, 0);
    assert_eq!(place.bytes(&second).await.unwrap(), b"same");
    place
        .store
        .delete_image(&place.account, second.id.as_str())
        .await
        .unwrap();
    assert_eq!(
        place.store.collect(GRACE).await.unwrap().originals,
        0,
        "its grace has just begun"
    );
    place.clock.advance_ms(GRACE_MS + 1);
    let collected = place.store.collect(GRACE).await.unwrap();
    assert_eq!((collected.originals, collected.bytes), (1, 4));
    assert_eq!(place.files().len(), 1);
    let back = place.keep(plain(), b"same").await.unwrap();
    assert_eq!(place.bytes(&back).await.unwrap(), b"same");
}

#[tokio::test]
async fn an_upload_that_is_refused_leaves_nothing_for_long() {
    let Some(place) = place().await else { return };
    place.store.set_quota(&place.account, Some(0)).await.unwrap();
    assert!(matches!(
        place.keep(plain(), b"refused").await,
        Err(StoreError::Full { .. })
    ));
    let incoming = place.store.receive().await.unwrap();
    drop(incoming);
    assert_eq!(
        std::fs::read_dir(place.directory.path().join("incoming"))
            .unwrap()
            .count(),
        0
    );
    place.clock.advance_ms(GRACE_MS + 1);
    assert_eq!(place.store.collect(GRACE).await.unwrap().originals, 1);
    assert_eq!(place.files().len(), 0);
}

#[tokio::test]
async fn collecting_without_grace_never_takes_what_an_upload_that_succeeded_names() {
    let Some(place) = place().await else { return };
    let place = Arc::new(place);
    let collector = tokio::spawn({
        let place = place.clone();
        async move {
            for _ in 0..60 {
                place.clock.advance_ms(2);
                place.store.collect(Duration::from_millis(1)).await.unwrap();
            }
        }
    });
    let mut uploads = tokio::task::JoinSet::new();
    for writer in 0..4_u8 {
        let place = place.clone();
        uploads.spawn(async move {
            for round in 0..40_u8 {
                // All writers have the same few bytes, and give half of them up again.
                match place.keep(plain(), &[round % 3]).await {
                    Ok(image) => {
                        assert_eq!(
                            place.bytes(&image).await.unwrap(),
                            [round % 3],
                            "writer {writer}, round {round}"
                        );
                        if round % 2 == 0 {
                            place
                                .store
                                .delete_image(&place.account, image.id.as_str())
                                .await
                                .unwrap();
                        }
                    }
                    // Given up between its file and its row: said, and nothing is stored.
                    Err(StoreError::Blob(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        });
    }
    uploads.join_all().await;
    collector.await.unwrap();
    let report = place.store.check(true).await.unwrap();
    assert_eq!((report.missing.len(), report.damaged.len()), (0, 0), "{report:?}");
}

#[tokio::test]
async fn a_part_of_an_original_is_read_without_the_rest() {
    let Some(place) = place().await else { return };
    // Three times what is written and read at once, and more than one request of an upload.
    let bytes: Vec<u8> = (0..20_000_000_u32).map(|n| (n % 251) as u8).collect();
    let image = place.keep(plain(), &bytes).await.unwrap();
    assert_eq!(place.bytes(&image).await.unwrap(), bytes);
    let hash = image.original.unwrap().blob;
    for range in [0..1, 0..20_000_000, 1_000_000..1_700_001, 19_999_999..20_000_000] {
        let mut reader = place.store.open_blob_part(&hash, range.clone()).await.unwrap();
        assert_eq!(reader.bytes(), range.end - range.start);
        let mut part = Vec::new();
        while let Some(piece) = reader.next_piece().await.unwrap() {
            part.extend_from_slice(&piece);
        }
        assert!(part == bytes[range.start as usize..range.end as usize], "{range:?}");
    }
    assert_eq!(place.store.check(true).await.unwrap().damaged.len(), 0);
    // One that is shorter than it was is not begun.
    std::fs::write(place.file_of(hash.as_str()), &bytes[1..]).unwrap();
    assert!(matches!(place.store.open_blob(&hash).await, Err(StoreError::Blob(_))));
    assert!(matches!(
        place.store.open_blob_part(&hash, 0..1).await,
        Err(StoreError::Blob(_))
    ));
}

#[tokio::test]
async fn what_is_wrong_with_the_place_of_originals_is_found_before_the_first_upload() {
    let Some(place) = place().await else { return };
    place.store.reach_originals().await.unwrap();
    assert_eq!(place.files().len(), 0, "the trial leaves nothing");
}

#[tokio::test]
async fn a_check_finds_what_is_missing_damaged_and_stray() {
    let Some(place) = place().await else { return };
    let mut paths = Vec::new();
    for bytes in [b"whole", b"short", b"wrong", b"away!"] {
        let image = place.keep(plain(), bytes).await.unwrap();
        let hash = image.original.unwrap().blob.as_str().to_owned();
        let file = place.file_of(&hash);
        paths.push((hash, file));
    }
    std::fs::write(&paths[1].1, b"shor").unwrap();
    std::fs::write(&paths[2].1, b"WRONG").unwrap();
    std::fs::remove_file(&paths[3].1).unwrap();
    let stray = paths[0].1.with_file_name(format!("{}-7", paths[0].0));
    std::fs::write(&stray, b"stray").unwrap();
    let quick = place.store.check(false).await.unwrap();
    assert_eq!((quick.originals, quick.bytes, quick.strays), (4, 20, 1));
    assert_eq!(quick.missing, [paths[3].0.clone()]);
    assert_eq!(quick.damaged, [paths[1].0.clone()]);
    let mut damaged = vec![paths[1].0.clone(), paths[2].0.clone()];
    damaged.sort();
    assert_eq!(place.store.check(true).await.unwrap().damaged, damaged);
    // Uploading the bytes again mends the file.
    place.keep(plain(), b"away!").await.unwrap();
    assert_eq!(place.store.check(false).await.unwrap().missing.len(), 0);
    assert_eq!(place.store.collect(Duration::ZERO).await.unwrap().strays, 1);
    assert!(!stray.exists());
}
