//! How long lists take over a million images: `cargo run -p calotype-store --example list_speed -- DIR [IMAGES]`.
//!
//! The rows are made by SQL, without originals; the queries are those of the store.

#![expect(clippy::print_stdout, reason = "a table for people")]

use std::error::Error;
use std::time::Instant;

use calotype_store::{CreatorIs, FieldPath, Filter, FilterTest, ListQuery, Order, Store, StoreSettings};
use sqlx::{AnyPool, AssertSqlSafe};

const RUNS: u32 = 5;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or("write a directory")?;
    let images: u32 = arguments.next().as_deref().unwrap_or("1000000").parse()?;
    let store = Store::open(StoreSettings::in_directory(&directory)).await?;
    let account = store.default_account().await?;
    if account.images == 0 {
        fill(&directory, images).await?;
    }
    let account = store.default_account().await?;
    println!("{} images", account.images);
    let text =
        |path: &str, values: &[&str]| filter(path, FilterTest::Text(values.iter().map(|v| (*v).to_owned()).collect()));
    let cases: Vec<(&str, Option<CreatorIs>, Vec<Filter>)> = vec![
        ("all", None, vec![]),
        (
            "creator of 1 in 1000",
            Some(CreatorIs::Named("user-7".to_owned())),
            vec![],
        ),
        ("one image", None, vec![text("serial", &["s500000"])?]),
        ("half of all", None, vec![text("half", &["a"])?]),
        ("1 in 1000", None, vec![text("bucket", &["b7"])?]),
        (
            "1 in 1000 of a half",
            None,
            vec![text("bucket", &["b7"])?, text("half", &["b"])?],
        ),
        ("a range of all", None, vec![filter("n", FilterTest::AtLeast(0.0))?]),
        ("a range of 1 in 100", None, vec![filter("n", FilterTest::Less(10.0))?]),
        ("a range of 1 in 40", None, vec![filter("n", FilterTest::Less(25.0))?]),
        (
            "two halves that never meet",
            None,
            vec![text("half", &["a"])?, text("other", &["b"])?],
        ),
        (
            "a range that is empty",
            None,
            vec![
                filter("n", FilterTest::Greater(600.0))?,
                filter("n", FilterTest::Less(400.0))?,
            ],
        ),
        (
            "one of ten values",
            None,
            vec![text(
                "bucket",
                &["b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9", "b10"],
            )?],
        ),
        ("a name that is not there", None, vec![text("nosuch", &["a"])?]),
    ];
    for (name, creator, filters) in cases {
        let query = ListQuery {
            order: Order::Descending,
            creator,
            filters,
            after: None,
            max: 1_000,
        };
        let mut best_ms = f64::MAX;
        let mut found = 0;
        for _ in 0..RUNS {
            let started = Instant::now();
            found = store.list_images(&account, &query).await?.images.len();
            best_ms = best_ms.min(started.elapsed().as_secs_f64() * 1_000.0);
        }
        println!("{name:30} {found:5} images  {best_ms:8.1} ms");
    }
    let started = Instant::now();
    let (names, _) = store.metadata_keys(&account).await?;
    println!(
        "{:30} {:5} names   {:8.1} ms",
        "field names",
        names.len(),
        started.elapsed().as_secs_f64() * 1_000.0
    );
    Ok(())
}

fn filter(path: &str, test: FilterTest) -> Result<Filter, Box<dyn Error>> {
    Ok(Filter {
        path: FieldPath::new(path).ok_or("no path")?,
        test,
    })
}

/// A second between two images; five fields each.
async fn fill(directory: &str, images: u32) -> Result<(), Box<dyn Error>> {
    let pool = AnyPool::connect(&format!("sqlite://{directory}/calotype.db")).await?;
    let numbers =
        format!("WITH RECURSIVE counted (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n + 1 < {images})");
    let position = "(1700000000000 + n * 1000) * 1048576";
    let mut statements = vec![
        "INSERT INTO blobs (hash, epoch, bytes, touched_ms) VALUES ('0000', 1, 1, 0)".to_owned(),
        format!(
            "{numbers} INSERT INTO images (account, id, position, is_private, creator, metadata, filename, blob, bytes, media_type, width, height)
             SELECT 1, printf('%08x-0000-0000-0000-000000000000', n), {position}, 0, 'user-' || (n % 1000), '{{}}', 'a.png', '0000', 1, 'image/png', 4, 3 FROM counted"
        ),
        format!("UPDATE accounts SET images = {images}"),
    ];
    for (path, word, number) in [
        ("serial", "'ss' || n", "NULL"),
        ("half", "CASE WHEN n % 2 = 0 THEN 'sa' ELSE 'sb' END", "NULL"),
        ("other", "CASE WHEN n % 2 = 0 THEN 'sa' ELSE 'sb' END", "NULL"),
        ("bucket", "'sb' || ((n * 7919) % 1000)", "NULL"),
        ("n", "NULL", "(n * 7919) % 1000"),
    ] {
        statements.push(format!(
            "{numbers} INSERT INTO metadata_fields (account, position, path, word, number) SELECT 1, {position}, '{path}', {word}, {number} FROM counted"
        ));
    }
    for statement in statements {
        sqlx::query(AssertSqlSafe(statement)).execute(&pool).await?;
    }
    pool.close().await;
    Ok(())
}
