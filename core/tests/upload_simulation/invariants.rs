//! What must hold after every step of every history, and at its end.

use std::collections::{BTreeMap, BTreeSet};

use reel_core::base::time::DurationMs;
use reel_core::upload::effect::{Step, UploadDone, UploadOutcome, UploadRefusal};
use reel_core::upload::event::CallerId;
use reel_core::upload::{ConfirmedPart, Upload, UploadState};

use crate::environment::Simulation;
use crate::environment::bucket::{Bucket, Maker, Multipart};

#[derive(Default)]
pub struct Invariants {
    /// Every part that a client or the bucket has named, with its etag.
    named: BTreeSet<(u32, String)>,
    /// Callers who wait.
    open: BTreeSet<CallerId>,
}

impl Invariants {
    pub fn part_named(&mut self, number: u32, etag: &str) {
        self.named.insert((number, etag.to_owned()));
    }

    pub fn asked(&mut self, caller: CallerId) {
        self.open.insert(caller);
    }

    /// The connections of all who wait were closed.
    pub fn connections_closed(&mut self) {
        self.open.clear();
    }

    pub fn is_open(&self, caller: CallerId) -> bool {
        self.open.contains(&caller)
    }

    /// A step that may still fail to be committed.
    pub fn of_step(&self, before: &Upload, step: &Step, bucket: &Bucket) -> Result<(), String> {
        let (old, new) = (&before.record, &step.upload.record);
        if !step.persist && old != new {
            return Err(format!("a change was not written: {old:?} to {new:?}"));
        }
        if (&old.key, &old.storage_id, old.plan, old.expires_at)
            != (&new.key, &new.storage_id, new.plan, new.expires_at)
        {
            return Err("something changed that never changes".to_owned());
        }
        if matches!(old.state, UploadState::Complete { .. }) && old.state != new.state {
            return Err(format!("a complete upload became {:?}", new.state));
        }
        if old.state == UploadState::Aborted && old.state != new.state {
            return Err(format!("an aborted upload became {:?}", new.state));
        }
        if old.state != new.state {
            Self::of_new_state(new.plan.size_bytes(), &new.state, bucket)?;
        }
        Self::of_new_parts(before, step)?;
        if let Some(part) =
            step.new_parts.iter().find(|part| !self.named.contains(&(part.number, part.etag().to_owned())))
        {
            return Err(format!("a part has an etag that nobody named: {part:?}"));
        }
        if step.effects.len() > 1 {
            return Err(format!("more than one call is made at once: {:?}", step.effects));
        }
        Ok(())
    }

    /// The parts that are written are those that changed: each is a row.
    fn of_new_parts(before: &Upload, step: &Step) -> Result<(), String> {
        let mut known: BTreeMap<u32, &str> = before.parts().map(|(number, etag, _)| (number, etag)).collect();
        for part in &step.new_parts {
            if known.insert(part.number, part.etag()) == Some(part.etag()) {
                return Err(format!("a part is written that was known: {part:?}"));
            }
        }
        // Each change is a row that costs its sender nothing, so that it is counted where it is kept.
        let confirmed = |part: &&ConfirmedPart| before.parts().any(|(number, ..)| number == part.number);
        let changes = u32::try_from(step.new_parts.iter().filter(confirmed).count()).unwrap_or(u32::MAX);
        let (old, new) = (&before.record, &step.upload.record);
        if new.etag_changes != old.etag_changes + changes {
            return Err(format!(
                "{changes} changes were counted as {} to {}",
                old.etag_changes, new.etag_changes
            ));
        }
        if new.etag_changes > new.plan.part_count() + 100 {
            return Err(format!("{} changes of etags were taken", new.etag_changes));
        }
        let after = step.upload.parts().map(|(number, etag, _)| (number, etag));
        if known.into_iter().eq(after) {
            Ok(())
        } else {
            Err("a part changed that was not written".to_owned())
        }
    }

    fn of_new_state(declared_bytes: u64, state: &UploadState, bucket: &Bucket) -> Result<(), String> {
        match state {
            UploadState::Complete { .. } if !bucket.was_ours_with(declared_bytes) => {
                Err("complete without an object of the declared size".to_owned())
            }
            UploadState::Aborted if bucket.multipart == Multipart::Open => {
                Err("aborted while the bucket keeps the parts".to_owned())
            }
            UploadState::Aborted
                if bucket.object.as_ref().is_some_and(|object| object.maker == Maker::Ours) =>
            {
                Err("aborted, and its object is in the bucket".to_owned())
            }
            UploadState::Complete { .. }
            | UploadState::Aborted
            | UploadState::Open
            | UploadState::Completing => Ok(()),
        }
    }

    /// A reply that is sent now, after the commit.
    pub fn of_reply(
        &mut self,
        caller: CallerId,
        outcome: &UploadOutcome,
        state: &UploadState,
    ) -> Result<(), String> {
        if !self.open.remove(&caller) {
            return Err(format!("{caller:?} is told twice, or was never there: {outcome:?}"));
        }
        let fits = match outcome {
            UploadOutcome::Done(UploadDone::Signable { .. }) => *state == UploadState::Open,
            UploadOutcome::Done(UploadDone::Completed { etag }) => {
                *state == UploadState::Complete { etag: etag.clone() }
            }
            UploadOutcome::Done(UploadDone::Aborted)
            | UploadOutcome::Refused(
                UploadRefusal::Aborted | UploadRefusal::LostByStorage | UploadRefusal::WrongSize { .. },
            ) => *state == UploadState::Aborted,
            UploadOutcome::Refused(UploadRefusal::AlreadyComplete | UploadRefusal::CannotAbortComplete) => {
                matches!(state, UploadState::Complete { .. })
            }
            UploadOutcome::Done(UploadDone::Confirmed | UploadDone::Shown) | UploadOutcome::Refused(_) => {
                true
            }
        };
        if fits { Ok(()) } else { Err(format!("{outcome:?} is told of an upload that is {state:?}")) }
    }

    pub fn all_are_answered(&self) -> Result<(), String> {
        if self.open.is_empty() { Ok(()) } else { Err(format!("never answered: {:?}", self.open)) }
    }

    /// Everything is forgotten.
    pub fn at_the_end(&self, simulation: &Simulation) -> Result<(), String> {
        self.all_are_answered()?;
        // R2 drops the parts by itself a week after the upload was created.
        let dropped = simulation.now.since(simulation.expires_at) >= DurationMs::minutes(7 * 24 * 60);
        if simulation.bucket.multipart == Multipart::Open && !dropped {
            return Err("forgotten while the bucket keeps the parts".to_owned());
        }
        Ok(())
    }
}
