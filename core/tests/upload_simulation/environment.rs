//! Everything around one upload: its object with its storage and alarm, the bucket, and two clients.
//!
//! What the real shell does is done here in the same order: apply, commit with the alarm, reply, run
//! effects. Answers of the bucket come one by one, in any order, once or twice; those to an object that
//! has died are dropped.
//!
//! Known limit: R2 cannot delete on a condition. An object that another upload puts at the key between our
//! look and our deletion would be lost, so no other upload puts one once there was one of the wrong size.

pub mod bucket;
mod clients;

use std::collections::{BTreeMap, BTreeSet};

use reel_core::base::object_key::ObjectKey;
use reel_core::base::time::{DurationMs, Timestamp};
use reel_core::upload::effect::{Step, UploadEffect};
use reel_core::upload::event::{CompleteReply, UploadEvent, UploadedObject};
use reel_core::upload::step::{apply, create};
use reel_core::upload::{ConfirmedPart, PartLayout, Upload, UploadRecord, UploadState};

use crate::invariants::Invariants;
use crate::rng::SeededRng;
use bucket::{Bucket, Maker, StoredObject};
use clients::Client;

const MIB: u64 = 1024 * 1024;

/// Something on its way.
enum Scheduled {
    /// An answer to the object, if it still is the one that asked.
    Answer { generation: u32, event: UploadEvent },
    /// The bucket does what it was asked to do, after its answer was given up.
    LateWork(LateWork),
    /// A client does its next thing.
    Client { index: usize, turn: u64 },
    /// Another upload puts its object at the same key.
    OtherObject,
    /// The object dies, whatever it was doing.
    Crash,
}

enum LateWork {
    Complete(Vec<(u32, String)>),
    Abort,
    Delete,
}

/// How bad this history is: each fault's frequency in a thousand.
struct FaultRates {
    /// The bucket does nothing, and there is no answer.
    fails: u64,
    /// The bucket does it, and there is no answer.
    loses: u64,
    /// The bucket does it later, and there is no answer.
    late: u64,
    doubles: u64,
    crashes: u64,
    short_parts: u64,
    people: u64,
}

pub struct Simulation {
    rng: SeededRng,
    faults: FaultRates,
    /// One client uploads without lies, another watches: nothing may go wrong for good.
    honest: bool,
    pub now: Timestamp,
    order: u64,
    mail: BTreeMap<(Timestamp, u64), Scheduled>,
    plan: PartLayout,
    pub expires_at: Timestamp,
    /// Clocks may go back after that.
    expiry_began: bool,
    live: Option<Upload>,
    generation: u32,
    /// The record as text, and the rows of parts; `None` once all is forgotten.
    stored: Option<(String, BTreeMap<u32, String>)>,
    alarm: Option<Timestamp>,
    /// The alarm's handler runs: should the object die, the platform rings again.
    alarm_runs: bool,
    page_size: usize,
    pub bucket: Bucket,
    clients: Vec<Client>,
    last_caller: u32,
    last_etag: u64,
    /// Whether clients heard that it is complete, or that it is aborted.
    last_state: UploadState,
    pub invariants: Invariants,
    /// What happened in this history.
    pub seen: BTreeSet<&'static str>,
}

impl Simulation {
    pub fn new(seed: u64) -> Self {
        let mut rng = SeededRng::new(seed);
        let now = Timestamp(1_800_000_000_000);
        let honest = rng.chance_permille(300);
        let mut scale = |max: u64| if rng.chance_permille(400) { 0 } else { rng.below(max) };
        let mut faults = FaultRates {
            fails: scale(300),
            loses: scale(300),
            late: scale(200),
            doubles: scale(300),
            crashes: scale(80),
            short_parts: scale(150),
            people: scale(200),
        };
        if honest {
            (faults.short_parts, faults.people) = (0, 0);
        }
        let size_bytes = 1 + rng.below(20 * MIB);
        let plan = PartLayout::new(size_bytes, Some(5 * MIB)).expect("a layout");
        let expires_at = now + DurationMs(rng.between_ms(5_000, 400_000));
        let record = UploadRecord {
            key: ObjectKey::parse_input("input/abc/clip.mp4").expect("a key"),
            storage_id: "s".into(),
            plan,
            // Some clients have nearly used up what they may change.
            etag_changes: if !honest && rng.chance_permille(200) { plan.part_count() + 99 } else { 0 },
            expires_at,
            state: UploadState::Open,
        };
        let step = create(record);
        let mut simulation = Self {
            honest,
            now,
            order: 0,
            mail: BTreeMap::new(),
            plan,
            expires_at,
            expiry_began: false,
            live: None,
            generation: 0,
            stored: Some((step.upload.record.to_stored(), BTreeMap::new())),
            alarm: step.alarm,
            alarm_runs: false,
            page_size: 1 + rng.index_below(4),
            bucket: Bucket::new(plan),
            clients: vec![Client::new(false), Client::new(honest)],
            last_caller: 0,
            last_etag: 0,
            last_state: UploadState::Open,
            invariants: Invariants::default(),
            seen: BTreeSet::new(),
            rng,
            faults,
        };
        for index in 0..simulation.clients.len() {
            let starts = simulation.rng.between_ms(0, 60_000);
            simulation.take_turn(index, starts);
        }
        if honest {
            simulation.seen.insert("an honest client and a watcher");
        } else if simulation.rng.chance_permille(200) {
            // Before ours, or in between.
            let comes = simulation.rng.between_ms(0, 60_000);
            simulation.post(comes, Scheduled::OtherObject);
        }
        simulation
    }

    /// In a word, how it ended.
    pub fn end_summary(&self) -> &'static str {
        match (&self.last_state, self.seen.contains("told aborted")) {
            (UploadState::Complete { .. }, _) => "complete",
            (UploadState::Aborted, true) => "aborted",
            (UploadState::Aborted, false) => "expired",
            (UploadState::Open | UploadState::Completing, _) => "forgotten after a week",
        }
    }

    /// Lives until nothing is left to happen. Faults cease after a while, so that an end must come.
    pub fn run_to_end(&mut self) -> Result<(), String> {
        for turn in 0.. {
            if turn > TURNS_MAX {
                return Err(format!("no end after {TURNS_MAX} turns: {:?}", self.stored));
            }
            if turn == TURNS_OF_FAULTS {
                self.faults = FaultRates {
                    fails: 0,
                    loses: 0,
                    late: 0,
                    doubles: 0,
                    crashes: 0,
                    short_parts: 0,
                    people: 0,
                };
            }
            let next_mail = self.mail.keys().next().map(|(at, _)| *at);
            let Some(next) = next_mail.into_iter().chain(self.alarm).min() else { break };
            self.now = self.now.max(next);
            if turn < TURNS_OF_FAULTS && self.rng.chance_permille(2) {
                // Clocks of a platform jump, and an object may sleep for days.
                let jump = if self.rng.chance_permille(300) { 8 * 24 * 3_600_000 } else { 90_000 };
                self.now = self.now + DurationMs(self.rng.between_ms(-90_000, jump));
            }
            if self.rng.chance_permille(self.faults.crashes) {
                self.post(0, Scheduled::Crash);
            }
            if self.alarm.is_some_and(|at| at <= self.now) {
                self.alarm = None;
                self.alarm_runs = true;
                self.expiry_began |= self.now >= self.expires_at;
                if self.is_stored_as_completing() {
                    self.seen.insert("a completion under way at expiry");
                }
                self.happen(UploadEvent::AlarmFired)?;
            } else if let Some((key, mail)) = self.mail.pop_first() {
                self.now = self.now.max(key.0);
                self.deliver(mail)?;
            }
        }
        if self.stored.is_some() {
            return Err(format!("never forgotten: {:?}", self.stored));
        }
        self.invariants.at_the_end(self)
    }

    fn deliver(&mut self, mail: Scheduled) -> Result<(), String> {
        match mail {
            Scheduled::Answer { generation, event } if generation == self.generation => self.happen(event)?,
            Scheduled::Answer { .. } => {}
            Scheduled::LateWork(LateWork::Complete(parts)) => {
                self.seen.insert("a completion that was late");
                self.bucket.complete(&parts);
            }
            Scheduled::LateWork(LateWork::Abort) => self.bucket.abort(),
            Scheduled::LateWork(LateWork::Delete) => self.bucket.delete()?,
            Scheduled::Client { index, turn } => self.act(index, turn)?,
            Scheduled::OtherObject => {
                if !self.bucket.made_a_wrong_size() {
                    self.seen.insert("an object of another upload at the key");
                    let object = StoredObject { maker: Maker::AnotherUpload, size_bytes: 7 };
                    self.bucket.object = Some(object);
                }
            }
            Scheduled::Crash => {
                self.seen.insert("a crash with calls under way");
                self.crash();
            }
        }
        Ok(())
    }

    // === The object ===

    /// One event at the object, and the effects that follow.
    fn happen(&mut self, event: UploadEvent) -> Result<(), String> {
        let Some(before) = self.live.take().or_else(|| self.load()) else {
            // Nothing is here: 404.
            self.alarm_runs = false;
            self.close_all();
            return Ok(());
        };
        let rings = event == UploadEvent::AlarmFired;
        let step = apply(before.clone(), event, self.now);
        self.invariants.of_step(&before, &step, &self.bucket)?;
        let writes = step.persist || !step.new_parts.is_empty() || step.alarm.is_some();
        if writes && self.rng.chance_permille(self.faults.crashes / 2) {
            // The write failed, wholly or after the parts: memory is dropped.
            self.seen.insert("a commit failed");
            if step.persist && self.rng.chance_permille(500) {
                self.store_parts(&step.new_parts);
            }
            self.crash();
            return Ok(());
        }
        self.commit(&step);
        if self.rng.chance_permille(self.faults.crashes / 2) {
            self.seen.insert("a crash after a commit");
            self.crash();
            return Ok(());
        }
        if rings && step.effects.is_empty() {
            self.alarm_runs = false;
        }
        if step.replies.len() > 1 {
            self.seen.insert("two callers answered by one step");
        }
        for (caller, outcome) in &step.replies {
            self.invariants.of_reply(*caller, outcome, &step.upload.record.state)?;
            self.answered(*caller, outcome, &step.upload)?;
        }
        self.live = Some(step.upload);
        for effect in &step.effects {
            self.perform(effect)?;
        }
        Ok(())
    }

    fn commit(&mut self, step: &Step) {
        self.store_parts(&step.new_parts);
        if let (true, Some((record, _))) = (step.persist, &mut self.stored) {
            *record = step.upload.record.to_stored();
        }
        if let Some(at) = step.alarm {
            self.alarm = Some(at);
            self.alarm_runs = false;
        }
    }

    fn store_parts(&mut self, parts: &[ConfirmedPart]) {
        if let Some((_, rows)) = &mut self.stored {
            rows.extend(parts.iter().map(|part| (part.number, part.etag().to_owned())));
        }
    }

    fn load(&self) -> Option<Upload> {
        let (record, rows) = self.stored.as_ref()?;
        let parts = rows.iter().map(|(number, etag)| ConfirmedPart::new(*number, etag).expect("an etag"));
        Some(Upload::new(UploadRecord::from_stored(record).expect("a stored record"), parts))
    }

    fn is_stored_as_completing(&self) -> bool {
        self.stored.as_ref().is_some_and(|(record, _)| record.contains(r#""stage":"completing""#))
    }

    /// Memory is lost, and every connection with it; what the bucket is doing goes on.
    fn crash(&mut self) {
        self.live = None;
        self.generation += 1;
        if std::mem::take(&mut self.alarm_runs) {
            let soon = self.now + DurationMs::seconds(2);
            self.alarm = Some(self.alarm.map_or(soon, |at| at.min(soon)));
        }
        self.close_all();
    }

    fn close_all(&mut self) {
        self.invariants.connections_closed();
        for index in 0..self.clients.len() {
            self.closed(index);
        }
    }

    // === Effects ===

    /// The bucket works at once, later or never, and its answer comes later, or is given up.
    fn perform(&mut self, effect: &UploadEffect) -> Result<(), String> {
        let fails = self.rng.chance_permille(self.faults.fails);
        let lost = self.rng.chance_permille(self.faults.loses);
        let late = self.rng.chance_permille(self.faults.late);
        let answer = match *effect {
            UploadEffect::ListParts { call, marker } => {
                if marker.is_some() {
                    self.seen.insert("a listing of several pages");
                }
                let page = (!fails).then(|| self.bucket.list(marker, self.page_size));
                for listed in page.iter().flat_map(|page| &page.parts) {
                    self.invariants.part_named(listed.part.number, listed.part.etag());
                }
                UploadEvent::PartsListed { call, page }
            }
            UploadEffect::CheckObject { call } => {
                let found = if fails { UploadedObject::Unknown } else { self.bucket.head() };
                UploadEvent::ObjectChecked { call, found }
            }
            UploadEffect::CompleteInBucket { call } => {
                if !self.is_stored_as_completing() {
                    return Err("a completion is asked for that is not stored".to_owned());
                }
                let upload = self.live.as_ref().expect("an upload in memory");
                let parts = upload.parts().map(|(number, etag, _)| (number, etag.to_owned())).collect();
                let reply = match (fails, late) {
                    (true, _) => CompleteReply::PerhapsDone,
                    (false, true) => self.work_late(LateWork::Complete(parts), CompleteReply::PerhapsDone),
                    (false, false) => self.bucket.complete(&parts),
                };
                UploadEvent::CompleteReplied {
                    call,
                    reply: if lost { CompleteReply::PerhapsDone } else { reply },
                }
            }
            UploadEffect::AbortInBucket { call } => {
                let done = match (fails, late) {
                    (true, _) => false,
                    (false, true) => self.work_late(LateWork::Abort, false),
                    (false, false) => {
                        self.bucket.abort();
                        !lost
                    }
                };
                UploadEvent::AbortReplied { call, done }
            }
            UploadEffect::DeleteObject { call } => {
                if !self.bucket.made_a_wrong_size() {
                    return Err("an object of the right size, or none, is to be deleted".to_owned());
                }
                self.seen.insert("an object of the wrong size was deleted");
                let done = match (fails, late) {
                    (true, _) => false,
                    (false, true) => self.work_late(LateWork::Delete, false),
                    (false, false) => {
                        self.bucket.delete()?;
                        !lost
                    }
                };
                UploadEvent::ObjectDeleted { call, done }
            }
            UploadEffect::Forget => {
                if fails {
                    UploadEvent::ForgetFailed
                } else {
                    self.invariants.all_are_answered()?;
                    self.last_state = self.live.as_ref().expect("an upload in memory").record.state.clone();
                    (self.stored, self.alarm) = (None, None);
                    self.alarm_runs = false;
                    self.crash();
                    return Ok(());
                }
            }
        };
        let copies = if self.rng.chance_permille(self.faults.doubles) { 2 } else { 1 };
        if copies == 2 {
            self.seen.insert("an answer that came twice");
        }
        for _ in 0..copies {
            let slow = if self.rng.chance_permille(self.faults.late) { 20_000 } else { 1_500 };
            let wait = self.rng.between_ms(1, slow);
            let generation = self.generation;
            self.post(wait, Scheduled::Answer { generation, event: answer.clone() });
        }
        Ok(())
    }

    fn work_late<T>(&mut self, work: LateWork, unknown: T) -> T {
        let wait = self.rng.between_ms(1, 60_000);
        self.post(wait, Scheduled::LateWork(work));
        unknown
    }

    fn post(&mut self, wait_ms: i64, mail: Scheduled) {
        self.order += 1;
        self.mail.insert((self.now + DurationMs(wait_ms), self.order), mail);
    }
}

const TURNS_OF_FAULTS: u32 = 300;
const TURNS_MAX: u32 = 3_000;
