//! What one client did to its own images, and what has to be found afterwards.

use serde_json::{Value, json};

use crate::client::{Client, Form, path_of, segment};
use crate::pictures::{picture, pixels};

/// Images of one client at a time.
const SLOTS: usize = 8;
/// Ids of the client's own; the other slots have ids that the server makes.
const CUSTOM: usize = 4;

/// A small generator of our own (splitmix64), so that a seed means the same for ever.
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

/// An image or a draft as it should be.
#[derive(Debug, Clone, PartialEq)]
struct Record {
    id: String,
    is_private: bool,
    creator: String,
    meta: Option<Value>,
    /// The number of its picture; none for a draft.
    picture: Option<u32>,
    /// Where a draft's picture goes, if that was heard.
    upload: Option<String>,
}

/// A place for an image.
#[derive(Debug, Default)]
struct Slot {
    custom: Option<String>,
    now: Option<Record>,
    /// What a request whose answer never came may have made of it.
    perhaps: Option<Option<Record>>,
}

/// The images of one client.
#[derive(Debug)]
pub struct Shelf {
    slots: Vec<Slot>,
    random: Random,
    name: String,
    count: u32,
    numbers: u32,
    pub tally: Tally,
}

/// What was done.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    pub acknowledged: u32,
    pub interrupted: u32,
    pub interrupted_and_done: u32,
}

/// The server is gone.
#[derive(Debug)]
pub struct Cut;

impl Shelf {
    pub fn new(number: u32, seed: u64) -> Self {
        let name = format!("client{number}");
        let slots = (0..SLOTS).map(|slot| Slot {
            custom: (slot < CUSTOM).then(|| format!("{name}/slot {slot}.png")),
            ..Slot::default()
        });
        Self {
            slots: slots.collect(),
            random: Random(seed ^ (u64::from(number) << 32)),
            name,
            count: 0,
            numbers: number * 1_000_000,
            tally: Tally::default(),
        }
    }

    fn unique(&mut self) -> String {
        self.count += 1;
        format!("{}-{}", self.name, self.count)
    }

    fn next_picture(&mut self) -> u32 {
        self.numbers += 1;
        self.numbers
    }

    /// Does something to one of the images. `Err` when the server died meanwhile: what may have been done is remembered.
    pub fn act(&mut self, client: &Client) -> Result<(), Cut> {
        let at = usize::try_from(self.random.below(SLOTS as u64)).unwrap();
        let choice = self.random.below(100);
        let before = self.slots[at].now.clone();
        let done = match before {
            None if choice < 70 => self.upload(client, at),
            None => self.promise(client, at),
            Some(draft) if draft.picture.is_none() => match choice {
                0..15 => self.patch(client, at, draft),
                15..30 => self.delete(client, at, &draft),
                30..45 => self.refused_upload(client, at, &draft),
                _ => self.keep_promise(client, at, draft),
            },
            Some(image) => match choice {
                0..30 => self.patch(client, at, image),
                30..50 => self.toggle(client, at, image),
                50..85 => self.delete(client, at, &image),
                _ => self.upload_again(client, at, &image),
            },
        };
        match done {
            Ok(()) => self.tally.acknowledged += 1,
            Err(Cut) => self.tally.interrupted += 1,
        }
        done
    }

    fn upload(&mut self, client: &Client, at: usize) -> Result<(), Cut> {
        let custom = self.slots[at].custom.clone();
        let record = Record {
            id: custom.clone().unwrap_or_default(),
            is_private: custom.is_none() && self.random.below(2) == 0,
            creator: self.unique(),
            meta: (self.random.below(2) == 0).then(|| json!({"n": self.count, "of": {"client": self.name}})),
            picture: Some(self.next_picture()),
            upload: None,
        };
        let form = described(&record, custom.as_deref()).file(&picture(record.picture.unwrap()));
        self.slots[at].perhaps = Some(Some(record.clone()));
        let result = client.send_form("v1", form).ok_or(Cut)?.result();
        let id = result["id"].as_str().unwrap().to_owned();
        self.settle(at, Some(Record { id, ..record }))
    }

    fn promise(&mut self, client: &Client, at: usize) -> Result<(), Cut> {
        let custom = self.slots[at].custom.clone();
        let record = Record {
            id: custom.clone().unwrap_or_default(),
            is_private: custom.is_none() && self.random.below(2) == 0,
            creator: self.unique(),
            meta: Some(json!({"draft": true})),
            picture: None,
            upload: None,
        };
        // A draft whose id was never heard cannot be found again; it ends by itself.
        self.slots[at].perhaps = custom.is_some().then(|| Some(record.clone()));
        let form = described(&record, custom.as_deref());
        let result = client.send_form("v2/direct_upload", form).ok_or(Cut)?.result();
        let id = result["id"].as_str().unwrap().to_owned();
        let upload = Some(path_of(result["uploadURL"].as_str().unwrap()));
        self.settle(at, Some(Record { id, upload, ..record }))
    }

    fn keep_promise(&mut self, client: &Client, at: usize, draft: Record) -> Result<(), Cut> {
        // Without its URL a draft can only be deleted.
        let Some(upload) = draft.upload.clone() else {
            return self.delete(client, at, &draft);
        };
        let record = Record {
            picture: Some(self.next_picture()),
            upload: None,
            ..draft
        };
        self.slots[at].perhaps = Some(Some(record.clone()));
        let form = Form::default().file(&picture(record.picture.unwrap()));
        client.send_form_to(&upload, form).ok_or(Cut)?.result();
        self.settle(at, Some(record.clone()))?;
        // The URL is spent.
        let again = client
            .send_form_to(&upload, Form::default().file(&picture(0)))
            .ok_or(Cut)?;
        assert_eq!(again.code(), (404, 5404));
        Ok(())
    }

    fn refused_upload(&mut self, client: &Client, at: usize, draft: &Record) -> Result<(), Cut> {
        let Some(upload) = &draft.upload else {
            return self.delete(client, at, draft);
        };
        let refused = client
            .send_form_to(upload, Form::default().file(b"no picture"))
            .ok_or(Cut)?;
        assert_eq!(refused.code(), (415, 5455));
        Ok(())
    }

    fn patch(&mut self, client: &Client, at: usize, before: Record) -> Result<(), Cut> {
        let mut record = before;
        let mut changes = json!({});
        if self.random.below(2) == 0 {
            record.creator = self.unique();
            changes["creator"] = json!(record.creator);
        }
        if self.random.below(2) == 0 {
            record.meta = Some(json!({"changed": self.unique()}));
            changes["metadata"] = record.meta.clone().unwrap();
        }
        self.slots[at].perhaps = Some(Some(record.clone()));
        let answer = client.ask_json("PATCH", &format!("v1/{}", segment(&record.id)), &changes);
        answer.ok_or(Cut)?.result();
        self.settle(at, Some(record))
    }

    fn toggle(&mut self, client: &Client, at: usize, before: Record) -> Result<(), Cut> {
        if self.slots[at].custom.is_some() {
            return self.patch(client, at, before);
        }
        let is_private = !before.is_private;
        let flag = if is_private { "01" } else { "00" };
        let id = format!("{}{flag}", &before.id[..before.id.len() - 2]);
        let old_id = before.id.clone();
        let record = Record {
            id,
            is_private,
            ..before
        };
        self.slots[at].perhaps = Some(Some(record.clone()));
        let answer = client.ask_json(
            "PATCH",
            &format!("v1/{old_id}"),
            &json!({"requireSignedURLs": is_private}),
        );
        assert_eq!(answer.ok_or(Cut)?.result()["id"], record.id);
        self.settle(at, Some(record))
    }

    fn delete(&mut self, client: &Client, at: usize, before: &Record) -> Result<(), Cut> {
        self.slots[at].perhaps = Some(None);
        client
            .ask("DELETE", &format!("v1/{}", segment(&before.id)))
            .ok_or(Cut)?
            .result();
        self.settle(at, None)
    }

    fn upload_again(&mut self, client: &Client, at: usize, before: &Record) -> Result<(), Cut> {
        if self.slots[at].custom.is_none() {
            return self.delete(client, at, before);
        }
        let form = Form::default().text("id", &before.id).file(&picture(0));
        let answer = client.send_form("v1", form).ok_or(Cut)?;
        assert_eq!(answer.code(), (409, 5409));
        assert!(
            answer.head.to_ascii_lowercase().contains("x-should-retry: false"),
            "{}",
            answer.head
        );
        Ok(())
    }

    fn settle(&mut self, at: usize, now: Option<Record>) -> Result<(), Cut> {
        self.slots[at].now = now;
        self.slots[at].perhaps = None;
        Ok(())
    }

    /// Looks whether every image is as it was acknowledged, and whole. Gives the ids of those that lists must have.
    pub fn verify(&mut self, client: &Client, hash: &str) -> Vec<String> {
        for at in 0..SLOTS {
            self.resolve(client, at);
        }
        let mut listed = Vec::new();
        for slot in &self.slots {
            let Some(record) = &slot.now else {
                if let Some(id) = &slot.custom {
                    assert_eq!(observed(client, id), None, "{id} was deleted");
                }
                continue;
            };
            assert_eq!(observed(client, &record.id).as_ref(), Some(&heard(record)));
            if record.picture.is_some() {
                listed.push(record.id.clone());
            }
            delivered(client, hash, record);
        }
        listed
    }

    /// Finds out which of two states an image is in after the server died; it has to be one of them.
    fn resolve(&mut self, client: &Client, at: usize) {
        let Some(mut perhaps) = self.slots[at].perhaps.take() else {
            return;
        };
        let before = self.slots[at].now.clone();
        if let Some(record) = perhaps.as_mut().filter(|record| record.id.is_empty()) {
            // An id that was never heard: the creator tells whose it is.
            let page = client
                .ask("GET", &format!("v2?creator={}", record.creator))
                .unwrap()
                .result();
            let images = page["images"].as_array().unwrap();
            assert!(images.len() < 2, "{page}");
            match images.first() {
                None => return,
                Some(image) => record.id = image["id"].as_str().unwrap().to_owned(),
            }
        }
        let ids: Vec<&str> = [&before, &perhaps]
            .into_iter()
            .flatten()
            .map(|record| record.id.as_str())
            .collect();
        let found: Vec<_> = ids.iter().map(|id| observed(client, id)).collect();
        let is_found = |state: &Option<Record>| {
            ids.iter().zip(&found).all(|(id, found)| {
                let here = state.as_ref().filter(|record| record.id == *id);
                *found == here.map(heard)
            })
        };
        if is_found(&perhaps) {
            self.tally.interrupted_and_done += 1;
            self.slots[at].now = perhaps;
        } else {
            assert!(is_found(&before), "neither {before:?} nor {perhaps:?}, but {found:?}");
        }
    }
}

/// The form of an image or draft without its file.
fn described(record: &Record, custom: Option<&str>) -> Form {
    let mut form = Form::default().text("creator", &record.creator);
    if let Some(id) = custom {
        form = form.text("id", id);
    }
    if record.is_private {
        form = form.text("requireSignedURLs", "true");
    }
    match &record.meta {
        Some(meta) => form.text("metadata", &meta.to_string()),
        None => form,
    }
}

/// A record without what only its uploader hears.
fn heard(record: &Record) -> Record {
    Record {
        upload: None,
        ..record.clone()
    }
}

/// What the server says of an id; the number of its picture is taken from its original, which has to be whole.
fn observed(client: &Client, id: &str) -> Option<Record> {
    let answer = client.ask("GET", &format!("v1/{}", segment(id))).unwrap();
    let blob = client.ask("GET", &format!("v1/{}/blob", segment(id))).unwrap();
    if answer.status == 404 {
        assert_eq!((answer.code(), blob.code()), ((404, 5404), (404, 5404)));
        return None;
    }
    let record = answer.result();
    let is_draft = record["draft"] == true;
    assert_eq!(record.get("filename").is_none(), is_draft, "{record}");
    let picture = if is_draft {
        assert_eq!(blob.code(), (404, 5404), "a draft has no bytes");
        None
    } else {
        assert_eq!(blob.status, 200, "{record}");
        let number = u32::from_le_bytes(pixels(&blob.body)[..4].try_into().unwrap());
        assert!(blob.body == picture(number), "an original with other bytes: {record}");
        Some(number)
    };
    Some(Record {
        id: record["id"].as_str().unwrap().to_owned(),
        is_private: record["requireSignedURLs"].as_bool().unwrap(),
        creator: record["creator"].as_str().unwrap().to_owned(),
        meta: record.get("meta").cloned(),
        picture,
        upload: None,
    })
}

/// An image is shown as it is, by the rules of its access; a draft is not.
fn delivered(client: &Client, hash: &str, record: &Record) {
    let id: Vec<String> = record.id.split('/').map(segment).collect();
    let target = format!("/cdn-cgi/imagedelivery/{hash}/{}/public", id.join("/"));
    let answer = client.send("GET", &target, &[], b"").unwrap();
    match record.picture {
        None => assert_eq!(answer.status, 404),
        Some(_) if record.is_private => assert_eq!(answer.status, 403),
        // The variant `public` makes nothing larger, and PNG loses nothing.
        Some(number) => {
            assert_eq!(answer.status, 200);
            assert!(pixels(&answer.body) == pixels(&picture(number)), "{record:?}");
        }
    }
}
