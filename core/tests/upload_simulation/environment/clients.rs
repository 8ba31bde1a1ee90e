//! Clients: one that uploads, and one that uploads the same file from another device or only watches. They
//! resend what they heard nothing of, and some lie.

use std::collections::{BTreeMap, BTreeSet};

use reel_core::upload::effect::{UploadDone, UploadOutcome, UploadRefusal};
use reel_core::upload::event::{CallerId, UploadEvent};
use reel_core::upload::{ConfirmedPart, Upload};

use super::{Scheduled, Simulation};

#[derive(Default)]
pub struct Client {
    /// It only asks what has arrived.
    watches: bool,
    /// Parts that it has sent, or knows of.
    etags: BTreeMap<u32, String>,
    /// Those of which it knows that they are confirmed.
    confirmed: BTreeSet<u32>,
    /// The request that it waits for, with the parts that it confirms by it.
    waits: Option<(CallerId, Vec<u32>)>,
    /// The turn that is on its way; an older one counts no more.
    turn: u64,
    left: bool,
}

impl Client {
    pub fn new(watches: bool) -> Self {
        Self { watches, ..Self::default() }
    }
}

impl Simulation {
    /// A client does its next thing.
    pub(super) fn act(&mut self, index: usize, turn: u64) -> Result<(), String> {
        let client = &self.clients[index];
        if client.left || client.waits.is_some() || client.turn != turn {
            return Ok(());
        }
        if client.watches {
            self.clients[index].left = self.rng.chance_permille(100);
            return self.request(index, vec![], |caller, _| UploadEvent::ShowRequested { caller });
        }
        if self.rng.chance_permille(self.faults.people) {
            return match self.rng.below(6) {
                0 => self.request(index, vec![], |caller, _| UploadEvent::AbortRequested { caller }),
                1 => self
                    .request(index, vec![], |caller, parts| UploadEvent::CompleteRequested { caller, parts }),
                2 => self.request(index, vec![], |caller, _| UploadEvent::SignRequested {
                    caller,
                    part_numbers: vec![1],
                }),
                3 => {
                    let etag = self.next_etag();
                    self.clients[index].etags.insert(1, etag);
                    self.request(index, vec![1], |caller, parts| UploadEvent::PartsConfirmed {
                        caller,
                        parts,
                    })
                }
                4 => {
                    self.clients[index].left = true;
                    Ok(())
                }
                _ => self.request(index, vec![], |caller, _| UploadEvent::ShowRequested { caller }),
            };
        }
        let count = self.plan.part_count();
        let client = &self.clients[index];
        let unsent = (1..=count).find(|number| !client.etags.contains_key(number));
        let unconfirmed: Vec<u32> =
            client.etags.keys().copied().filter(|number| !client.confirmed.contains(number)).collect();
        let confirms_now = !unconfirmed.is_empty() && self.rng.chance_permille(500);
        match unsent {
            Some(number) if !confirms_now => {
                self.send_part(index, number);
                let pause = self.rng.between_ms(50, 4_000);
                self.take_turn(index, pause);
                Ok(())
            }
            None if !confirms_now => self.request(index, unconfirmed, |caller, parts| {
                UploadEvent::CompleteRequested { caller, parts }
            }),
            _ => self
                .request(index, unconfirmed, |caller, parts| UploadEvent::PartsConfirmed { caller, parts }),
        }
    }

    /// A part on its way to the bucket, or only half of it, or its answer is lost.
    fn send_part(&mut self, index: usize, number: u32) {
        let etag = self.next_etag();
        let whole = self.plan.bytes_of(number).expect("a part of the file");
        let short = self.rng.chance_permille(self.faults.short_parts);
        if self.rng.chance_permille(self.faults.fails) {
            return;
        }
        let taken = self.bucket.put(number, &etag, if short { whole - 1 } else { whole });
        if taken && !self.rng.chance_permille(self.faults.loses) {
            self.clients[index].etags.insert(number, etag);
        } else if !taken {
            // 404: it asks how the upload stands, by completing it.
            self.clients[index].etags.insert(number, etag);
        }
    }

    fn request(
        &mut self,
        index: usize,
        numbers: Vec<u32>,
        event: impl FnOnce(CallerId, Vec<ConfirmedPart>) -> UploadEvent,
    ) -> Result<(), String> {
        self.last_caller += 1;
        let caller = CallerId(self.last_caller);
        let etags = &self.clients[index].etags;
        let parts: Vec<ConfirmedPart> =
            numbers.iter().filter_map(|number| ConfirmedPart::new(*number, &etags[number])).collect();
        for part in &parts {
            self.invariants.part_named(part.number, part.etag());
        }
        self.clients[index].waits = Some((caller, numbers));
        self.invariants.asked(caller);
        self.happen(event(caller, parts))?;
        if !self.invariants.is_open(caller) && self.clients[index].waits.is_some() {
            // The connection was closed before there was an answer.
            self.closed(index);
        }
        Ok(())
    }

    /// No answer: the object died, or there is none.
    pub(super) fn closed(&mut self, index: usize) {
        if self.clients[index].waits.take().is_some() {
            self.clients[index].left |= self.stored.is_none();
            let pause = self.rng.between_ms(500, 5_000);
            self.take_turn(index, pause);
        }
    }

    pub(super) fn answered(
        &mut self,
        caller: CallerId,
        outcome: &UploadOutcome,
        upload: &Upload,
    ) -> Result<(), String> {
        let Some(index) = self
            .clients
            .iter()
            .position(|client| client.waits.as_ref().is_some_and(|(waits, _)| *waits == caller))
        else {
            return Err(format!("{caller:?} is not a client's request"));
        };
        self.see(outcome);
        let honest_and_early = self.honest && !self.expiry_began;
        let client = &mut self.clients[index];
        let (_, numbers) = client.waits.take().expect("just found");
        match outcome {
            UploadOutcome::Done(UploadDone::Signable { .. }) => {}
            UploadOutcome::Done(UploadDone::Confirmed) => client.confirmed.extend(numbers),
            UploadOutcome::Done(UploadDone::Shown) => {
                for (number, etag, _) in upload.parts() {
                    client.etags.entry(number).or_insert_with(|| {
                        client.confirmed.insert(number);
                        etag.to_owned()
                    });
                }
            }
            UploadOutcome::Done(UploadDone::Completed { .. } | UploadDone::Aborted) => client.left = true,
            UploadOutcome::Refused(refusal) => match refusal {
                UploadRefusal::BeingCompleted | UploadRefusal::OutcomeUnknown => {}
                UploadRefusal::PartsMissing { first, .. } => {
                    for number in first {
                        client.etags.remove(number);
                        client.confirmed.remove(number);
                    }
                }
                UploadRefusal::PartsDiffer => {
                    client.etags.clear();
                    client.confirmed.clear();
                    if self.honest {
                        return Err("an honest client's parts differ".to_owned());
                    }
                }
                UploadRefusal::Aborted
                | UploadRefusal::LostByStorage
                | UploadRefusal::WrongSize { .. }
                | UploadRefusal::AlreadyComplete
                | UploadRefusal::TooManyChanges
                | UploadRefusal::CannotAbortComplete => {
                    client.left = true;
                    if honest_and_early && !client.watches {
                        return Err(format!("an honest client's upload ends as {refusal:?}"));
                    }
                }
            },
        }
        let pause = self.rng.between_ms(50, 5_000);
        self.take_turn(index, pause);
        Ok(())
    }

    pub(super) fn take_turn(&mut self, index: usize, pause_ms: i64) {
        let client = &mut self.clients[index];
        if !client.left {
            client.turn += 1;
            let turn = client.turn;
            self.post(pause_ms, Scheduled::Client { index, turn });
        }
    }

    fn next_etag(&mut self) -> String {
        self.last_etag += 1;
        format!("e{}", self.last_etag)
    }

    fn see(&mut self, outcome: &UploadOutcome) {
        self.seen.insert(match outcome {
            UploadOutcome::Done(UploadDone::Completed { .. }) => "told complete",
            UploadOutcome::Done(UploadDone::Aborted) => "told aborted",
            UploadOutcome::Refused(UploadRefusal::CannotAbortComplete) => "told can no longer be aborted",
            UploadOutcome::Refused(UploadRefusal::LostByStorage) => "told lost by storage",
            UploadOutcome::Refused(UploadRefusal::OutcomeUnknown) => "told outcome unknown",
            UploadOutcome::Refused(UploadRefusal::PartsDiffer) => "told parts differ",
            UploadOutcome::Refused(UploadRefusal::TooManyChanges) => "told too many changes",
            UploadOutcome::Refused(UploadRefusal::WrongSize { .. }) => "told wrong size",
            UploadOutcome::Done(_) | UploadOutcome::Refused(_) => return,
        });
    }
}
