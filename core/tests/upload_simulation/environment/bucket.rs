//! The bucket: what it takes, what it answers, and what it does late.

use std::collections::BTreeMap;

use reel_core::upload::event::{CompleteReply, ListedPart, PartPage, UploadedObject};
use reel_core::upload::{ConfirmedPart, PartLayout};

pub struct Bucket {
    plan: PartLayout,
    pub multipart: Multipart,
    /// Etag and length.
    pub parts: BTreeMap<u32, (String, u64)>,
    pub object: Option<StoredObject>,
    /// Lengths of all objects that this upload made.
    made: Vec<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Multipart {
    Open,
    Completed,
    Aborted,
}

#[derive(Clone, Debug)]
pub struct StoredObject {
    pub maker: Maker,
    pub size_bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Maker {
    Ours,
    AnotherUpload,
}

impl Bucket {
    pub fn new(plan: PartLayout) -> Self {
        Self { plan, multipart: Multipart::Open, parts: BTreeMap::new(), object: None, made: Vec::new() }
    }

    /// A part arrives; `false` when the bucket takes none any more.
    pub fn put(&mut self, number: u32, etag: &str, size_bytes: u64) -> bool {
        let open = self.multipart == Multipart::Open;
        if open {
            self.parts.insert(number, (etag.to_owned(), size_bytes));
        }
        open
    }

    pub fn list(&self, marker: Option<u32>, page_size: usize) -> PartPage {
        let mut rest = self.parts.iter().filter(|(number, _)| Some(**number) > marker);
        let parts: Vec<ListedPart> = rest
            .by_ref()
            .take(page_size)
            .filter_map(|(number, (etag, size_bytes))| {
                Some(ListedPart { part: ConfirmedPart::new(*number, etag)?, size_bytes: *size_bytes })
            })
            .collect();
        let last = parts.last().map(|listed| listed.part.number);
        PartPage { parts, next_marker: rest.next().and(last) }
    }

    pub fn complete(&mut self, given: &[(u32, String)]) -> CompleteReply {
        if self.multipart != Multipart::Open {
            return CompleteReply::Gone;
        }
        let mut size_bytes = 0;
        for (number, etag) in given {
            match self.parts.get(number) {
                // R2 takes parts of equal length only; the last may be shorter.
                Some((stored, bytes))
                    if stored == etag
                        && (*bytes == self.plan.part_bytes() || *number == self.plan.part_count()) =>
                {
                    size_bytes += bytes;
                }
                _ => return CompleteReply::WrongParts,
            }
        }
        self.multipart = Multipart::Completed;
        self.object = Some(StoredObject { maker: Maker::Ours, size_bytes });
        self.made.push(size_bytes);
        CompleteReply::PerhapsDone
    }

    /// R2 has nothing against a second abort, nor one after a completion.
    pub fn abort(&mut self) {
        if self.multipart == Multipart::Open {
            self.multipart = Multipart::Aborted;
            self.parts.clear();
        }
    }

    pub fn delete(&mut self) -> Result<(), String> {
        match self.object.take() {
            Some(StoredObject { maker: Maker::AnotherUpload, .. }) => {
                Err("an object of another upload was deleted".to_owned())
            }
            Some(object) if object.size_bytes == self.plan.size_bytes() => {
                Err("an object of the declared size was deleted".to_owned())
            }
            _ => Ok(()),
        }
    }

    pub fn head(&self) -> UploadedObject {
        match &self.object {
            Some(StoredObject { maker: Maker::Ours, size_bytes }) => {
                UploadedObject::Ours { size_bytes: *size_bytes, etag: "whole".to_owned() }
            }
            Some(StoredObject { maker: Maker::AnotherUpload, .. }) | None => UploadedObject::NotOurs,
        }
    }

    /// Whether this upload ever made an object of this length.
    pub fn was_ours_with(&self, size_bytes: u64) -> bool {
        self.made.contains(&size_bytes)
    }

    pub fn made_a_wrong_size(&self) -> bool {
        self.made.iter().any(|bytes| *bytes != self.plan.size_bytes())
    }
}
