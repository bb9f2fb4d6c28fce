//! Named sets of options (spec 6.13).

use serde_json::{Map, Value};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::account::{self, Account, AccountNumber};
use crate::clock::Position;
use crate::event::{self, EventKind};
use crate::{Result, Store, StoreError};

/// The variant that every account has.
pub const PUBLIC: &str = "public";
/// Its factory setting (D51).
const PUBLIC_OPTIONS: &str = r#"{"fit":"scale-down","metadata":"none","width":1366,"height":768}"#;
const NAME_CHARS_MAX: usize = 99;
/// Pixels of a side (D46).
const SIDE_PX_MAX: u64 = 12_000;
/// Seconds that browsers may keep an image for.
const BROWSER_TTL_S: std::ops::RangeInclusive<u32> = 3_600..=31_536_000;

/// A named set of options.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// What it is called.
    pub name: String,
    /// What it does.
    pub options: VariantOptions,
    /// Private images can be had through it without a signature.
    pub never_requires_signed_urls: bool,
}

/// The options of a variant. Those that nobody set are not there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct VariantOptions {
    fit: Option<String>,
    metadata: Option<String>,
    width: Option<Value>,
    height: Option<Value>,
    blur: Option<Value>,
    browser_ttl_s: Option<u32>,
}

impl VariantOptions {
    /// These options with those of a JSON object over them (D47, D49): `null`, and a blur of 0, take an option away.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] says which option is wrong and what would be right.
    pub fn with(&self, changes: &Map<String, Value>) -> Result<Self> {
        let mut options = self.clone();
        for (name, value) in changes {
            let set = !value.is_null();
            match name.as_str() {
                "fit" => {
                    const FITS: [&str; 5] = ["scale-down", "contain", "cover", "crop", "pad"];
                    options.fit = set.then(|| word(name, value, &FITS)).transpose()?;
                }
                "metadata" => {
                    const KINDS: [&str; 3] = ["keep", "copyright", "none"];
                    options.metadata = set.then(|| word(name, value, &KINDS)).transpose()?;
                }
                "width" => options.width = set.then(|| number(name, value, 1.0, SIDE_PX_MAX)).transpose()?,
                "height" => options.height = set.then(|| number(name, value, 1.0, SIDE_PX_MAX)).transpose()?,
                "blur" => {
                    let is_set = set && value.as_f64() != Some(0.0);
                    options.blur = is_set.then(|| number(name, value, 1.0, 250)).transpose()?;
                }
                "browser_ttl" => options.browser_ttl_s = browser_ttl_s(value)?,
                _ => {
                    return Err(StoreError::Invalid(format!(
                        "unknown variant option `{name}`; use fit, width, height, metadata, blur or browser_ttl"
                    )));
                }
            }
        }
        Ok(options)
    }

    /// As the API answers and the database keeps them: `fit` and `metadata` with their defaults, the others if they are set.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Value> {
        let mut json = Map::new();
        json.insert("fit".to_owned(), self.fit.as_deref().unwrap_or("scale-down").into());
        json.insert(
            "metadata".to_owned(),
            self.metadata.as_deref().unwrap_or("copyright").into(),
        );
        for (name, value) in [("width", &self.width), ("height", &self.height), ("blur", &self.blur)] {
            json.extend(value.clone().map(|value| (name.to_owned(), value)));
        }
        json.extend(self.browser_ttl_s.map(|ttl| ("browser_ttl".to_owned(), ttl.into())));
        json
    }

    /// As the plan's grammar reads them.
    #[must_use]
    pub fn to_plan_options(&self) -> Value {
        let mut json = self.to_json();
        json.remove("browser_ttl");
        Value::Object(json)
    }

    /// How long browsers may keep an image, in seconds.
    #[must_use]
    pub const fn browser_ttl_s(&self) -> Option<u32> {
        self.browser_ttl_s
    }
}

/// Seconds that browsers may keep an image for; `null` is the default.
///
/// # Errors
/// [`StoreError::Invalid`] for what is no such number.
pub fn browser_ttl_s(value: &Value) -> Result<Option<u32>> {
    if value.is_null() {
        return Ok(None);
    }
    // JSON has one kind of number: 3600.0 is 3600.
    let bounds = f64::from(*BROWSER_TTL_S.start())..=f64::from(*BROWSER_TTL_S.end());
    let seconds = value.as_f64().filter(|ttl| ttl.fract() == 0.0 && bounds.contains(ttl));
    match seconds {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number within the bounds"
        )]
        Some(seconds) => Ok(Some(seconds as u32)),
        None => Err(StoreError::Invalid(format!(
            "browser_ttl must be a whole number of seconds from {} to {}",
            BROWSER_TTL_S.start(),
            BROWSER_TTL_S.end()
        ))),
    }
}

fn word(name: &str, value: &Value, known: &[&str]) -> Result<String> {
    match value.as_str().filter(|text| known.contains(text)) {
        Some(text) => Ok(text.to_owned()),
        None => Err(StoreError::Invalid(format!(
            "{name} must be one of {}",
            known.join(", ")
        ))),
    }
}

#[expect(clippy::cast_precision_loss, reason = "bounds are small")]
fn number(name: &str, value: &Value, min: f64, max: u64) -> Result<Value> {
    match value.as_f64().filter(|number| (min..=max as f64).contains(number)) {
        Some(_) => Ok(value.clone()),
        None => Err(StoreError::Invalid(format!(
            "{name} must be a number from {min} to {max}"
        ))),
    }
}

/// Checks a name: letters and digits, 1 to 99.
///
/// # Errors
/// [`StoreError::Invalid`].
pub fn check_name(name: &str) -> Result<()> {
    if (1..=NAME_CHARS_MAX).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(());
    }
    Err(StoreError::Invalid(format!(
        "the name of a variant has 1 to {NAME_CHARS_MAX} letters and digits"
    )))
}

impl Variant {
    fn from_row(row: &AnyRow) -> Result<Self> {
        let options: String = row.try_get("options")?;
        let options: Map<String, Value> = serde_json::from_str(&options)
            .map_err(|error| StoreError::damaged(format!("a variant's options: {error}")))?;
        Ok(Self {
            name: row.try_get("name")?,
            options: VariantOptions::default().with(&options)?,
            never_requires_signed_urls: row.try_get::<i64, _>("never_signed")? != 0,
        })
    }
}

/// Adds the variant that every account has.
pub(crate) async fn insert_public(connection: &mut AnyConnection, account: AccountNumber) -> Result<()> {
    sqlx::query("INSERT INTO variants (account, name, options, never_signed) VALUES ($1, $2, $3, 0)")
        .bind(account.0)
        .bind(PUBLIC)
        .bind(PUBLIC_OPTIONS)
        .execute(connection)
        .await?;
    Ok(())
}

impl Store {
    /// The variants of an account: `public` first, then by name (D21).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn variants(&self, account: &Account) -> Result<Vec<Variant>> {
        let rows = sqlx::query("SELECT name, options, never_signed FROM variants WHERE account = $1")
            .bind(account.number.0)
            .fetch_all(self.database.pool())
            .await?;
        let mut variants = rows.iter().map(Variant::from_row).collect::<Result<Vec<_>>>()?;
        variants.sort_by(|a, b| (a.name != PUBLIC, &a.name).cmp(&(b.name != PUBLIC, &b.name)));
        Ok(variants)
    }

    /// One variant.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn variant(&self, account: &Account, name: &str) -> Result<Option<Variant>> {
        if check_name(name).is_err() {
            return Ok(None);
        }
        let row = sqlx::query("SELECT name, options, never_signed FROM variants WHERE account = $1 AND name = $2")
            .bind(account.number.0)
            .bind(name)
            .fetch_optional(self.database.pool())
            .await?;
        row.as_ref().map(Variant::from_row).transpose()
    }

    /// Adds a variant. An account has at most `max` of them.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for the name, [`StoreError::Taken`], [`StoreError::Full`], or the database fails.
    pub async fn create_variant(&self, account: &Account, variant: &Variant, max: u64) -> Result<()> {
        check_name(&variant.name)?;
        let mut write = self.database.write().await?;
        let connection = write.connection();
        account::lock(connection, account.number).await?;
        let row = sqlx::query(
            "SELECT COUNT(*) AS variants, COALESCE(SUM(CASE WHEN name = $2 THEN 1 ELSE 0 END), 0) AS same FROM variants WHERE account = $1",
        )
        .bind(account.number.0)
        .bind(&variant.name)
        .fetch_one(&mut *connection)
        .await?;
        if row.try_get::<i64, _>("same")? > 0 {
            return Err(StoreError::Taken("variant"));
        }
        if u64::try_from(row.try_get::<i64, _>("variants")?).unwrap_or_default() >= max {
            return Err(StoreError::Full { of: "variants", max });
        }
        sqlx::query("INSERT INTO variants (account, name, options, never_signed) VALUES ($1, $2, $3, $4)")
            .bind(account.number.0)
            .bind(&variant.name)
            .bind(Value::Object(variant.options.to_json()).to_string())
            .bind(i64::from(variant.never_requires_signed_urls))
            .execute(&mut *connection)
            .await?;
        self.variant_changed(write, account, &variant.name).await
    }

    /// Changes a variant: options that are named, and the access if it is named.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::Invalid`] for an option, or the database fails.
    pub async fn update_variant(
        &self,
        account: &Account,
        name: &str,
        changes: &Map<String, Value>,
        never_requires_signed_urls: Option<bool>,
    ) -> Result<Variant> {
        check_name(name).map_err(|_| StoreError::Missing("variant"))?;
        let mut write = self.database.write().await?;
        let connection = write.connection();
        account::lock(connection, account.number).await?;
        let row = sqlx::query("SELECT name, options, never_signed FROM variants WHERE account = $1 AND name = $2")
            .bind(account.number.0)
            .bind(name)
            .fetch_optional(&mut *connection)
            .await?
            .ok_or(StoreError::Missing("variant"))?;
        let mut variant = Variant::from_row(&row)?;
        variant.options = variant.options.with(changes)?;
        variant.never_requires_signed_urls = never_requires_signed_urls.unwrap_or(variant.never_requires_signed_urls);
        sqlx::query("UPDATE variants SET options = $3, never_signed = $4 WHERE account = $1 AND name = $2")
            .bind(account.number.0)
            .bind(&variant.name)
            .bind(Value::Object(variant.options.to_json()).to_string())
            .bind(i64::from(variant.never_requires_signed_urls))
            .execute(&mut *connection)
            .await?;
        self.variant_changed(write, account, &variant.name).await?;
        Ok(variant)
    }

    /// Deletes a variant. `public` stays, without an error (D50).
    ///
    /// # Errors
    /// [`StoreError::Missing`], or the database fails.
    pub async fn delete_variant(&self, account: &Account, name: &str) -> Result<()> {
        if name == PUBLIC {
            return Ok(());
        }
        check_name(name).map_err(|_| StoreError::Missing("variant"))?;
        let mut write = self.database.write().await?;
        let deleted = sqlx::query("DELETE FROM variants WHERE account = $1 AND name = $2")
            .bind(account.number.0)
            .bind(name)
            .execute(write.connection())
            .await?;
        if deleted.rows_affected() == 0 {
            return Err(StoreError::Missing("variant"));
        }
        self.variant_changed(write, account, name).await
    }

    async fn variant_changed(&self, mut write: crate::database::Write, account: &Account, name: &str) -> Result<()> {
        let position = Position::at(self.clock.now_ms());
        event::record(
            write.connection(),
            position,
            account.number,
            EventKind::VariantChanged,
            name,
        )
        .await?;
        write.commit().await
    }
}
