//! The files that belong to an output: its renditions with their posters, and its filmstrip.
//!
//! Invariant: once verified, there is a rendition for each name that the job has, in the job's order, and each
//! has the tag of the version that was found. A poster or filmstrip is there or not; neither costs a video.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::id::JobId;
use crate::base::object_key::ObjectKey;
use crate::base::object_version::ObjectVersion;
use crate::base::rendition_name::RenditionName;
use crate::edit::{Edit, MAX_RENDITIONS};
use crate::job::event::ObjectCheck;
use crate::job::filmstrip::FilmstripLayout;
use crate::job::output_media::OutputMedia;

/// Which companions a job has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Value")]
pub struct WantedCompanions {
    /// The names of the edit's `outputs`.
    #[serde(rename = "outputs", skip_serializing_if = "Vec::is_empty")]
    pub renditions: Vec<RenditionName>,
    /// Whether a filmstrip is made.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub filmstrip: bool,
}

/// The companions of an output: as they were reported, and later as they were found. Reports and stored forms have
/// the same members, and one reader, which leaves out what it cannot read: derived readers would take 20 kB.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Value")]
pub struct Companions {
    /// In the order of the job.
    #[serde(rename = "outputs", skip_serializing_if = "Vec::is_empty")]
    pub renditions: Vec<RenditionFile>,
    /// The sheet of small pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filmstrip: Option<FilmstripFile>,
}

/// One rendition in the bucket.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RenditionFile {
    /// Its name in the edit.
    pub name: RenditionName,
    /// Key of its video.
    #[serde(rename = "video_key")]
    pub key: ObjectKey,
    /// Size of the video: as reported, then as found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Key of its poster.
    #[serde(rename = "poster_key", skip_serializing_if = "Option::is_none")]
    pub poster: Option<ObjectKey>,
    /// What the GPU worker read from the video.
    #[serde(rename = "output", skip_serializing_if = "Option::is_none")]
    pub media: Option<OutputMedia>,
    /// Tag of the video that was verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Tag of the poster, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poster_etag: Option<String>,
}

/// A filmstrip in the bucket.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FilmstripFile {
    /// Its key.
    pub key: ObjectKey,
    /// How it is divided.
    pub layout: FilmstripLayout,
    /// Tag of the sheet that was verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}

/// Why an output is not accepted because of its renditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenditionFault {
    /// One is not there, or empty.
    Missing,
    /// One has another size than reported.
    Truncated,
    /// The bucket did not say.
    Unknown,
}

impl WantedCompanions {
    /// What an edit asks for.
    pub fn of(edit: &Edit) -> Self {
        let renditions = edit.renditions().iter().map(|rendition| rendition.name.clone()).collect();
        Self { renditions, filmstrip: edit.has_filmstrip() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.renditions.is_empty() && !self.filmstrip
    }

    /// What an attempt puts where, when no report says otherwise.
    pub fn expected(&self, job: JobId, attempt: u32) -> Companions {
        let rendition = |name: &RenditionName| RenditionFile {
            name: name.clone(),
            key: ObjectKey::rendition(job, attempt, name),
            bytes: None,
            poster: Some(ObjectKey::rendition_poster(job, attempt, name)),
            media: None,
            etag: None,
            poster_etag: None,
        };
        // Without a report, nobody knows how a sheet is divided.
        Companions { renditions: self.renditions.iter().map(rendition).collect(), filmstrip: None }
    }

    /// What was reported, for these names only; what no report has described is where it is expected.
    pub fn completed(&self, mut reported: Companions, job: JobId, attempt: u32) -> Companions {
        let Companions { mut renditions, .. } = self.expected(job, attempt);
        for expected in &mut renditions {
            if let Some(index) = reported.renditions.iter().position(|one| one.name == expected.name) {
                let found = reported.renditions.swap_remove(index);
                *expected = RenditionFile { poster: found.poster.or(expected.poster.take()), ..found };
            }
        }
        Companions { renditions, filmstrip: reported.filmstrip.filter(|_| self.filmstrip) }
    }

    /// Every key that an attempt may have put.
    pub fn keys(&self, job: JobId, attempt: u32) -> Vec<ObjectKey> {
        let sheet = self.filmstrip.then(|| ObjectKey::filmstrip(job, attempt));
        self.expected(job, attempt).keys().into_iter().chain(sheet).collect()
    }
}

impl From<Value> for WantedCompanions {
    fn from(stored: Value) -> Self {
        let names = items(&stored).filter_map(|name| name.as_str()?.to_owned().try_into().ok());
        let filmstrip = member(&stored, "filmstrip").as_bool().unwrap_or(false);
        Self { renditions: names.collect(), filmstrip }
    }
}

impl From<Value> for Companions {
    fn from(stored: Value) -> Self {
        Self::read(&stored)
    }
}

fn member<'v>(of: &'v Value, name: &str) -> &'v Value {
    of.get(name).unwrap_or(&Value::Null)
}

/// The members of `outputs`.
fn items(of: &Value) -> impl Iterator<Item = &Value> {
    member(of, "outputs").as_array().into_iter().flatten().take(MAX_RENDITIONS)
}

fn text(of: &Value, name: &str) -> Option<String> {
    member(of, name).as_str().map(str::to_owned)
}

fn key(of: &Value, name: &str) -> Option<ObjectKey> {
    text(of, name)?.try_into().ok()
}

impl Companions {
    /// Reads what was reported or stored.
    pub fn read(stored: &Value) -> Self {
        let rendition = |stored: &Value| {
            Some(RenditionFile {
                name: text(stored, "name")?.try_into().ok()?,
                key: key(stored, "video_key")?,
                bytes: member(stored, "bytes").as_u64(),
                poster: key(stored, "poster_key"),
                media: OutputMedia::read(member(stored, "output")),
                etag: text(stored, "etag"),
                poster_etag: text(stored, "poster_etag"),
            })
        };
        let sheet = member(stored, "filmstrip");
        let filmstrip = FilmstripLayout::read(member(sheet, "layout")).and_then(|layout| {
            Some(FilmstripFile { key: key(sheet, "key")?, layout, etag: text(sheet, "etag") })
        });
        Self { renditions: items(stored).filter_map(rendition).collect(), filmstrip }
    }

    /// Without what lies outside of this job's folder.
    #[must_use]
    pub fn of_job(mut self, job: JobId) -> Self {
        let is_of_job = |key: &ObjectKey| key.output_of() == Some(job);
        self.renditions.retain(|one| is_of_job(&one.key) && one.poster.as_ref().is_none_or(is_of_job));
        self.filmstrip = self.filmstrip.filter(|sheet| is_of_job(&sheet.key));
        self
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.renditions.is_empty() && self.filmstrip.is_none()
    }

    /// The keys to look up: each rendition's video and poster, then the filmstrip.
    pub fn keys(&self) -> Vec<ObjectKey> {
        let renditions = self.renditions.iter().flat_map(|one| [Some(&one.key), one.poster.as_ref()]);
        let sheet = self.filmstrip.iter().map(|sheet| Some(&sheet.key));
        renditions.chain(sheet).flatten().cloned().collect()
    }

    /// With what was found at [`Companions::keys`], in their order.
    pub fn verified(mut self, checks: Vec<ObjectCheck>) -> Result<Self, RenditionFault> {
        let mut checks = checks.into_iter();
        let mut next = || checks.next().unwrap_or(ObjectCheck::Unknown);
        for rendition in &mut self.renditions {
            let video = next();
            let poster = rendition.poster.as_ref().map(|_| next());
            let ObjectVersion { etag, bytes } = match video {
                ObjectCheck::Present(version) if version.bytes > 0 => version,
                ObjectCheck::Present(_) | ObjectCheck::Missing => return Err(RenditionFault::Missing),
                ObjectCheck::Unknown => return Err(RenditionFault::Unknown),
            };
            if rendition.bytes.is_some_and(|reported| reported != bytes) {
                return Err(RenditionFault::Truncated);
            }
            (rendition.bytes, rendition.etag) = (Some(bytes), Some(etag));
            rendition.poster_etag = poster.and_then(picture_etag);
            rendition.poster = rendition.poster.take().filter(|_| rendition.poster_etag.is_some());
        }
        self.filmstrip = self.filmstrip.and_then(|sheet| {
            let etag = picture_etag(next());
            etag.is_some().then_some(FilmstripFile { etag, ..sheet })
        });
        Ok(self)
    }

    /// The verified tag of one of the keys; empty if none was kept.
    pub fn etag(&self, key: &str) -> Option<&str> {
        for rendition in &self.renditions {
            if rendition.key.as_str() == key {
                return Some(rendition.etag.as_deref().unwrap_or_default());
            }
            if rendition.poster.as_ref().is_some_and(|poster| poster.as_str() == key) {
                return Some(rendition.poster_etag.as_deref().unwrap_or_default());
            }
        }
        let sheet = self.filmstrip.as_ref().filter(|sheet| sheet.key.as_str() == key)?;
        Some(sheet.etag.as_deref().unwrap_or_default())
    }
}

/// The tag of a picture that is there.
pub fn picture_etag(check: ObjectCheck) -> Option<String> {
    match check {
        ObjectCheck::Present(version) if version.bytes > 0 => Some(version.etag),
        ObjectCheck::Present(_) | ObjectCheck::Missing | ObjectCheck::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> JobId {
        JobId::from_random([9; 16])
    }

    fn name(name: &str) -> RenditionName {
        name.to_owned().try_into().expect("a name")
    }

    fn wanted() -> WantedCompanions {
        WantedCompanions { renditions: vec![name("feed"), name("coach")], filmstrip: true }
    }

    fn layout() -> FilmstripLayout {
        FilmstripLayout::of_length((160, 90), 5_000).expect("a layout")
    }

    fn sheet() -> FilmstripFile {
        FilmstripFile { key: ObjectKey::filmstrip(job(), 1), layout: layout(), etag: None }
    }

    fn present(bytes: u64) -> ObjectCheck {
        ObjectCheck::Present(ObjectVersion { etag: format!("\"{bytes}\""), bytes })
    }

    #[test]
    fn what_no_report_describes_is_where_it_is_expected() {
        let mut reported = wanted().expected(job(), 1);
        reported.renditions.swap_remove(0);
        reported.renditions[0].bytes = Some(7);
        reported.renditions.push(RenditionFile { name: name("foreign"), ..reported.renditions[0].clone() });
        reported.filmstrip = Some(sheet());
        let completed = wanted().completed(reported, job(), 1);
        let names: Vec<_> = completed.renditions.iter().map(|one| (one.name.as_str(), one.bytes)).collect();
        assert_eq!(names, [("feed", None), ("coach", Some(7))]);
        assert_eq!(completed.filmstrip, Some(sheet()));
        let unwanted = WantedCompanions { filmstrip: false, ..wanted() };
        assert_eq!(unwanted.completed(completed, job(), 1).filmstrip, None);
    }

    #[test]
    fn verified_companions_have_their_tags_and_only_the_pictures_that_are_there() {
        let companions = Companions { filmstrip: Some(sheet()), ..wanted().expected(job(), 1) };
        let checks = vec![present(7), present(2), present(8), ObjectCheck::Missing, present(3)];
        let verified = companions.clone().verified(checks).expect("all videos are there");
        assert_eq!(verified.renditions[0].poster_etag.as_deref(), Some("\"2\""));
        assert_eq!((verified.renditions[1].bytes, verified.renditions[1].poster.as_ref()), (Some(8), None));
        let feed = ObjectKey::rendition(job(), 1, &name("feed"));
        assert_eq!(verified.etag(feed.as_str()), Some("\"7\""));
        assert_eq!(verified.etag(ObjectKey::filmstrip(job(), 1).as_str()), Some("\"3\""));
        assert_eq!(verified.etag(ObjectKey::rendition_poster(job(), 1, &name("coach")).as_str()), None);
        assert_eq!(verified.keys().len(), 4, "two videos, a poster and the sheet");
        let without_sheet = vec![present(7), present(2), present(8), present(2), ObjectCheck::Unknown];
        assert_eq!(companions.verified(without_sheet).map(|found| found.filmstrip), Ok(None));
    }

    #[test]
    fn a_rendition_that_is_not_there_fails_the_output() {
        let mut companions = wanted().expected(job(), 1);
        companions.renditions[1].bytes = Some(9);
        let found =
            |second| companions.clone().verified(vec![present(7), present(2), second, present(2)]).err();
        assert_eq!(found(ObjectCheck::Missing), Some(RenditionFault::Missing));
        assert_eq!(found(present(0)), Some(RenditionFault::Missing));
        assert_eq!(found(present(8)), Some(RenditionFault::Truncated));
        assert_eq!(found(ObjectCheck::Unknown), Some(RenditionFault::Unknown));
        assert_eq!(companions.clone().verified(Vec::new()).err(), Some(RenditionFault::Unknown));
        assert_eq!(found(present(9)), None);
    }

    #[test]
    fn a_job_without_companions_stores_nothing_of_them() {
        assert_eq!(serde_json::to_string(&WantedCompanions::default()).expect("JSON"), "{}");
        assert_eq!(serde_json::to_string(&Companions::default()).expect("JSON"), "{}");
        assert_eq!(wanted().keys(job(), 2).len(), 5);
    }
}
