//! Which parts may be sent, are confirmed, or are found in the bucket.

use super::StepBuilder;
use crate::upload::effect::{UploadDone, UploadEffect, UploadRefusal};
use crate::upload::event::{CallId, CallerId, PartPage};
use crate::upload::state::{Goal, Listing};
use crate::upload::{ConfirmedPart, UploadState};

impl StepBuilder {
    pub(super) fn sign_requested(&mut self, caller: CallerId, part_numbers: Vec<u32>) {
        let outcome = self.require_open().map(|()| UploadDone::Signable { part_numbers });
        self.reply(caller, outcome);
    }

    pub(super) fn parts_confirmed(&mut self, caller: CallerId, parts: Vec<ConfirmedPart>) {
        let outcome = self.confirm(parts).map(|()| UploadDone::Confirmed);
        self.reply(caller, outcome);
    }

    pub(super) fn complete_requested(&mut self, caller: CallerId, parts: Vec<ConfirmedPart>) {
        match self.confirm(parts) {
            Ok(()) => self.pursue(caller, Goal::Complete),
            Err(refusal) => self.reply(caller, Err(refusal)),
        }
    }

    /// Parts may have been sent and never confirmed: the uploader died in between. The bucket knows.
    pub(super) fn show_requested(&mut self, caller: CallerId) {
        if *self.state() != UploadState::Open || self.step.upload.has_all() {
            return self.show(caller);
        }
        let calls = &mut self.step.upload.calls;
        if let Some(listing) = &mut calls.listing {
            listing.callers.push(caller);
            return;
        }
        let call = calls.next_id();
        calls.listing = Some(Listing { call, pages: 1, callers: vec![caller], confirmed_since: Vec::new() });
        self.run(UploadEffect::ListParts { call, marker: None });
    }

    /// Takes a page up. No answer is no news.
    pub(super) fn parts_listed(&mut self, call: CallId, page: Option<PartPage>) {
        let upload = &mut self.step.upload;
        let Some(mut listing) = upload.calls.listing.take_if(|listing| listing.call == call) else { return };
        let mut next_marker = None;
        if let Some(page) = page.filter(|_| upload.record.state == UploadState::Open) {
            let plan = upload.record.plan;
            let usable = page.parts.into_iter().filter(|listed| {
                plan.bytes_of(listed.part.number) == Some(listed.size_bytes)
                    && !listing.confirmed_since.contains(&listed.part.number)
            });
            let mut news = upload.new_parts(usable.map(|listed| listed.part));
            if upload.changes_among(&news) > upload.changes_left() {
                news.retain(|part| upload.changes_among(std::slice::from_ref(part)) == 0);
            }
            self.add_parts(news);
            next_marker = page.next_marker.filter(|_| listing.pages < LIST_PAGES_MAX);
        }
        match next_marker {
            None => {
                for caller in listing.callers {
                    self.show(caller);
                }
            }
            Some(marker) => {
                let calls = &mut self.step.upload.calls;
                listing.call = calls.next_id();
                listing.pages += 1;
                let call = listing.call;
                calls.listing = Some(listing);
                self.run(UploadEffect::ListParts { call, marker: Some(marker) });
            }
        }
    }

    pub(super) fn show(&mut self, caller: CallerId) {
        let outcome = match self.state() {
            UploadState::Aborted => Err(UploadRefusal::Aborted),
            UploadState::Open | UploadState::Completing | UploadState::Complete { .. } => {
                Ok(UploadDone::Shown)
            }
        };
        self.reply(caller, outcome);
    }

    /// Records what is new of these parts. To repeat what is known does no harm, however late.
    fn confirm(&mut self, given: Vec<ConfirmedPart>) -> Result<(), UploadRefusal> {
        let numbers: Vec<u32> = given.iter().map(|part| part.number).collect();
        let news = self.step.upload.new_parts(given);
        if !news.is_empty() || *self.state() == UploadState::Aborted {
            self.require_open()?;
        }
        let upload = &self.step.upload;
        if upload.changes_among(&news) > upload.changes_left() {
            return Err(UploadRefusal::TooManyChanges);
        }
        if let Some(listing) = &mut self.step.upload.calls.listing {
            listing.confirmed_since.extend(numbers);
        }
        self.add_parts(news);
        Ok(())
    }

    fn add_parts(&mut self, news: Vec<ConfirmedPart>) {
        let changes = self.step.upload.changes_among(&news);
        if changes > 0 {
            self.step.upload.record.etag_changes += changes;
            self.step.persist = true;
        }
        self.step.upload.record_parts(news.iter().cloned());
        self.step.new_parts.extend(news);
    }

    fn require_open(&self) -> Result<(), UploadRefusal> {
        match self.state() {
            UploadState::Open => Ok(()),
            UploadState::Completing => Err(UploadRefusal::BeingCompleted),
            UploadState::Complete { .. } => Err(UploadRefusal::AlreadyComplete),
            UploadState::Aborted => Err(UploadRefusal::Aborted),
        }
    }
}

/// 10,000 parts at most, 1,000 on a page.
const LIST_PAGES_MAX: u32 = 10;
