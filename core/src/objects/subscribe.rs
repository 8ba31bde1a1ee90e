//! WebSockets of a job: which protocol a subscriber speaks, who is let in, what it is sent first, and with
//! which code it is closed. How often it may speak is in [`super::message_rate`].
//!
//! Invariant: a subscriber is sent stored entries in order and without a gap, from the one after its cursor.

use super::reader::Reader;
use crate::auth::watch_link::WatchLink;
use crate::base::owner::Visibility;
use crate::config::limits::Limits;
use crate::http::problem::{Problem, ProblemCode};
use crate::job::log::{LogEntry, MessageType};
use crate::job::snapshot::Snapshot;
use crate::job::spec::JobSpec;
use crate::job::state::Job;
use crate::wire::job::{JobDetail, JobFormat, JobUrls, job_json};

/// Which of the two message forms a socket gets. Its word is also the socket's tag: hibernated sockets keep
/// theirs over a deploy, so the words never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketProtocol {
    /// `/api/jobs/{id}/ws`.
    Message,
    /// `/ws/export/{id}`, for clients of the FastAPI backend.
    Legacy,
}

impl SocketProtocol {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Message, Self::Legacy];

    /// Its tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Legacy => "legacy",
        }
    }

    /// The protocol with this tag.
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.tag() == tag)
    }

    const fn format(self, message_type: MessageType) -> JobFormat {
        match self {
            Self::Message => JobFormat::Message(message_type),
            Self::Legacy => JobFormat::Legacy,
        }
    }

    /// Readers of the old path expect the whole job each time.
    const fn detail(self) -> JobDetail {
        match self {
            Self::Message => JobDetail::WithoutParams,
            Self::Legacy => JobDetail::Full,
        }
    }
}

/// A socket that is to be opened: its protocol, and the last entry that its client has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscribeRequest {
    /// The protocol.
    pub protocol: SocketProtocol,
    /// Number of the last entry that the client has; 0 asks for all.
    pub after: Option<u64>,
    /// Whose jobs the client sees: it may come before the job does.
    pub visibility: Visibility,
    /// Who reads.
    pub reader: Reader,
}

impl SubscribeRequest {
    /// The path of the request to the object: `/subscribe/{protocol}/{after or -}/{visibility}/{reader}`.
    pub fn to_path(self) -> String {
        let after = self.after.map_or_else(|| "-".to_owned(), |after| after.to_string());
        let (visibility, reader) = (self.visibility.to_word(), self.reader.to_word());
        format!("/subscribe/{}/{after}/{visibility}/{reader}", self.protocol.tag())
    }

    /// Reads what [`SubscribeRequest::to_path`] wrote; `None` for the path of anything else.
    pub fn from_path(path: &str) -> Option<Self> {
        let mut words = path.strip_prefix("/subscribe/")?.split('/');
        let (protocol, after) = (words.next()?, words.next()?);
        Some(Self {
            protocol: SocketProtocol::from_tag(protocol)?,
            after: after.parse().ok(),
            visibility: Visibility::from_word(words.next()?)?,
            reader: Reader::from_word(words.next()?)?,
        })
    }

    /// The tags of its socket: its protocol, and the link of whoever opened it, unless that was the owner. The
    /// others are for a socket that opens before its job exists: it may want all entries then, and the job may
    /// turn out to be another owner's.
    pub fn tags(self) -> Vec<String> {
        let from_start = (self.after == Some(0)).then_some(FROM_START_TAG);
        let link = match self.reader {
            Reader::Owner => None,
            Reader::Link(link) => Some([LINK_TAG.to_owned(), format!("{LINK_TAG}:{}", link.to_word())]),
        };
        let tags = [Some(self.protocol.tag()), from_start].into_iter().flatten().map(str::to_owned);
        tags.chain(self.owner_tag()).chain(link.into_iter().flatten()).collect()
    }

    /// The tag of the sockets that one user opened, or a service for that user.
    pub fn owner_tag(self) -> Option<String> {
        self.visibility.owner().map(|owner| format!("{OWNER_TAG}{owner}"))
    }

    /// Whether a user opened the socket, or a service for that user.
    pub const fn is_by_user(self) -> bool {
        matches!(self.visibility, Visibility::Owner(_))
    }

    /// Whether the holder of a link opened the socket.
    pub const fn is_by_link(self) -> bool {
        matches!(self.reader, Reader::Link(_))
    }

    /// The request of an open socket, by its tags.
    pub fn from_tags<'t>(tags: impl Iterator<Item = &'t str> + Clone) -> Option<Self> {
        let protocol = tags.clone().find_map(SocketProtocol::from_tag)?;
        let after = tags.clone().any(|tag| tag == FROM_START_TAG).then_some(0);
        let link = |tag: &str| WatchLink::from_word(tag.strip_prefix(LINK_TAG)?.strip_prefix(':')?);
        let reader = tags.clone().find_map(link).map_or(Reader::Owner, Reader::Link);
        let mut tags = tags;
        let visibility = match tags.find_map(|tag| tag.strip_prefix(OWNER_TAG)) {
            Some(owner) => Visibility::Owner(owner.parse().ok()?),
            None => Visibility::All,
        };
        Some(Self { protocol, after, visibility, reader })
    }
}

/// Open sockets of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenSockets {
    /// All of them.
    pub all: usize,
    /// Those of holders of a link.
    pub of_links: usize,
    /// Those of the user who asks for one more.
    pub of_owner: usize,
}

/// Whether one more socket may open. A quarter of the places is the owner's: a link may be in many hands. One
/// user has as many sockets of each job as keep the user's sockets of all open jobs within the limit, so that
/// no job must know of another.
///
/// # Errors
/// 503 when the job has too many, 429 when the user has too many of this job.
pub fn admit(
    open: OpenSockets,
    request: SubscribeRequest,
    job_exists: bool,
    limits: &Limits,
) -> Result<(), Problem> {
    let of_job = usize::try_from(limits.sockets_per_job).unwrap_or(usize::MAX);
    let max = if job_exists { of_job } else { of_job.min(EARLY_SUBSCRIBERS_MAX) };
    let max_of_owner = usize::try_from(limits.sockets_of_owner_per_job()).unwrap_or(usize::MAX);
    if request.is_by_user() && open.of_owner >= max_of_owner {
        return Err(Problem::new(
            ProblemCode::LimitReached,
            format!(
                "You have {max_of_owner} WebSocket connections to this job, which is the limit. Close one first."
            ),
        ));
    }
    let has_place = !request.is_by_link() || open.of_links < max - max / 4;
    if open.all < max && has_place {
        return Ok(());
    }
    Err(Problem::new(
        ProblemCode::Unavailable,
        "This job has reached its limit of WebSocket connections. Poll GET /api/jobs/{id} instead.",
    ))
}

/// The entry after which a new subscriber is sent the stored ones. Without a cursor it starts from the
/// snapshot; of a job that has ended it also gets the last entry, which clients wait for.
pub fn backlog_after(request: SubscribeRequest, job: &Job) -> u64 {
    let last = if job.end().is_some() { job.seq.saturating_sub(1) } else { job.seq };
    request.after.unwrap_or(last)
}

/// What a client says on its socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientMessage {
    /// `ping` as plain text.
    PlainPing,
    /// A ping as JSON, in another spelling than the one that the runtime answers by itself.
    Ping,
    /// It wants a snapshot.
    Subscribe,
    /// Nothing that we know. Ignored: clients of other versions may say more.
    Unknown,
}

impl ClientMessage {
    /// Reads a message.
    pub fn parse(text: &str) -> Self {
        if text == "ping" {
            return Self::PlainPing;
        }
        let value = serde_json::from_str::<serde_json::Value>(text).ok();
        match value.as_ref().and_then(|value| value.get("type")).and_then(serde_json::Value::as_str) {
            Some("ping") => Self::Ping,
            Some("subscribe") => Self::Subscribe,
            _ => Self::Unknown,
        }
    }
}

/// The snapshot that a new or asking subscriber gets.
pub fn snapshot_message(
    spec: &JobSpec,
    job: &Job,
    protocol: SocketProtocol,
    reader: Reader,
    urls: JobUrls<'_>,
) -> String {
    let (format, detail) = (protocol.format(MessageType::Status), JobDetail::WithUsage(job.usage));
    job_json(spec, &job.snapshot(), Some(job.seq), urls, format, reader.detail(detail))
}

/// One stored entry.
pub fn entry_message(
    spec: &JobSpec,
    entry: &LogEntry,
    protocol: SocketProtocol,
    reader: Reader,
    urls: JobUrls<'_>,
) -> String {
    let format = protocol.format(entry.message_type);
    job_json(spec, &entry.snapshot, Some(entry.seq), urls, format, reader.detail(protocol.detail()))
}

/// Progress that is not stored: such a message has no `seq`.
pub fn progress_message(
    spec: &JobSpec,
    snapshot: &Snapshot,
    protocol: SocketProtocol,
    reader: Reader,
    urls: JobUrls<'_>,
) -> String {
    let (format, detail) = (protocol.format(MessageType::Progress), reader.detail(protocol.detail()));
    job_json(spec, snapshot, None, urls, format, detail)
}

/// The code that answers a close frame. Codes that the runtime invents when the peer sent none (1005, 1006,
/// 1015) may not be sent (RFC 6455 7.4.1).
pub const fn reply_close_code(code: u16) -> u16 {
    match code {
        1005 | 1006 | 1015 => NORMAL_CLOSURE,
        code => code,
    }
}

/// The job has ended, and the last message was sent (RFC 6455 7.4.1).
pub const NORMAL_CLOSURE: u16 = 1000;
/// The job was never created: 4000 and up are the application's (RFC 6455 7.4.2).
pub const NO_SUCH_JOB: u16 = 4404;
/// The ping that the runtime answers by itself, while the object sleeps. It compares the text exactly.
pub const PING: &str = r#"{"type":"ping"}"#;
/// Its answer.
pub const PONG: &str = r#"{"type":"pong"}"#;
/// The link or the user's token that opened it is revoked (RFC 6455 7.4.1: it violates a policy).
pub const ACCESS_REVOKED: u16 = 1008;
/// It says more than a client may: 4000 and up are the application's.
pub const TOO_MANY_MESSAGES: u16 = 4429;
/// Tag of a socket that the holder of a link opened; with a colon and the link, which link. Alive in
/// hibernated sockets, so its word never changes.
pub const LINK_TAG: &str = "link";
/// Tag of a socket that wants all entries. Alive in hibernated sockets, so its word never changes.
const FROM_START_TAG: &str = "birth";
/// Before the owner in the tag of a socket that sees one owner's jobs.
const OWNER_TAG: &str = "owner:";
/// The only tag of a socket whose job is another owner's. It is told nothing, as if there were no job.
pub const HIDDEN_TAG: &str = "hidden";
/// Sockets that wait for one job to be created: a page and its reloads.
const EARLY_SUBSCRIBERS_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::JobId;
    use crate::base::time::Timestamp;
    use crate::job::error_code::ErrorCode;
    use crate::job::state::{JobEnd, JobState};

    fn request(after: Option<u64>) -> SubscribeRequest {
        SubscribeRequest {
            protocol: SocketProtocol::Legacy,
            after,
            visibility: Visibility::All,
            reader: Reader::Owner,
        }
    }

    #[test]
    fn a_request_crosses_as_a_path_and_lives_on_as_tags() {
        for after in [None, Some(0), Some(7)] {
            assert_eq!(SubscribeRequest::from_path(&request(after).to_path()), Some(request(after)));
        }
        let of_owner = SubscribeRequest {
            visibility: Visibility::Owner("00ff0a1b2c3d4e5f".parse().unwrap()),
            ..request(Some(0))
        };
        assert_eq!(SubscribeRequest::from_path(&of_owner.to_path()), Some(of_owner));
        assert_eq!(of_owner.tags(), ["legacy", "birth", "owner:00ff0a1b2c3d4e5f"]);
        assert_eq!(SubscribeRequest::from_tags(of_owner.tags().iter().map(String::as_str)), Some(of_owner));
        let link = Reader::Link(WatchLink { generation: 2, expires_at_s: 1_769_853_900 });
        let of_link = SubscribeRequest { reader: link, ..request(Some(0)) };
        assert_eq!(SubscribeRequest::from_path(&of_link.to_path()), Some(of_link));
        assert_eq!(of_link.tags(), ["legacy", "birth", "link", "link:2.1769853900"]);
        let tags = of_link.tags();
        assert_eq!(SubscribeRequest::from_tags(tags.iter().map(String::as_str)), Some(of_link));
        for path in [
            "/",
            "/subscribe/",
            "/subscribe/dance/1/all/-",
            "/subscribe/message/1",
            "/subscribe/message/1/x/-",
            "/subscribe/message/1/all",
            "/subscribe/message/1/all/x",
        ] {
            assert_eq!(SubscribeRequest::from_path(path), None, "{path}");
        }
        assert_eq!(request(Some(0)).tags(), ["legacy", "birth"], "tags of sleeping sockets never change");
        assert_eq!(request(Some(7)).tags(), ["legacy"]);
        let from_tags = |tags: &[&str]| SubscribeRequest::from_tags(tags.iter().copied());
        assert_eq!(from_tags(&["legacy", "birth"]), Some(request(Some(0))));
        assert_eq!(from_tags(&["legacy"]), Some(request(None)));
        for tags in [&["other"][..], &[HIDDEN_TAG], &["legacy", "owner:x"]] {
            assert_eq!(from_tags(tags), None, "{tags:?}");
        }
    }

    #[test]
    fn early_subscribers_are_fewer() {
        let owner = |all, job_exists| {
            admit(OpenSockets { all, ..OpenSockets::default() }, request(None), job_exists, &Limits::STANDARD)
        };
        assert!(owner(15, false).is_ok() && owner(16, true).is_ok() && owner(999, true).is_ok());
        assert!(owner(16, false).is_err() && owner(1_000, true).is_err());
    }

    #[test]
    fn holders_of_links_leave_a_quarter_of_the_sockets_to_the_owner() {
        let reader = Reader::Link(WatchLink { generation: 0, expires_at_s: 1 });
        let link = SubscribeRequest { reader, ..request(None) };
        let admit = |all, of_links, request, job_exists| {
            let open = OpenSockets { all, of_links, of_owner: 0 };
            admit(open, request, job_exists, &Limits::STANDARD).is_ok()
        };
        assert!(admit(749, 749, link, true) && !admit(750, 750, link, true));
        assert!(admit(750, 750, request(None), true));
        assert!(!admit(1_000, 10, link, true), "the owner's sockets count for all");
        assert!(admit(11, 11, link, false) && !admit(12, 12, link, false));
    }

    #[test]
    fn a_user_has_a_share_of_each_job_and_a_service_has_none() {
        let of_user = SubscribeRequest {
            visibility: Visibility::Owner("00ff0a1b2c3d4e5f".parse().unwrap()),
            ..request(None)
        };
        let limits = Limits { sockets_per_owner: 100, jobs_in_flight: 30, ..Limits::STANDARD };
        let admit = |of_owner, request| {
            admit(OpenSockets { all: of_owner, of_links: 0, of_owner }, request, true, &limits)
        };
        assert!(admit(2, of_user).is_ok() && admit(3, request(None)).is_ok());
        assert_eq!(admit(3, of_user).unwrap_err().code, ProblemCode::LimitReached);
    }

    #[test]
    fn a_late_subscriber_gets_the_end_that_it_waits_for() {
        let mut job = Job::new(JobId::from_random([9; 16]), Timestamp(1));
        job.seq = 5;
        assert_eq!(backlog_after(request(None), &job), 5, "the snapshot is enough");
        assert_eq!(backlog_after(request(Some(2)), &job), 2);
        let (code, message) = (ErrorCode::GpuError, String::new());
        job.state = JobState::Ended(JobEnd::Failed { code, message, at: Timestamp(2), progress: 0 });
        assert_eq!(backlog_after(request(None), &job), 4);
        assert_eq!(backlog_after(request(Some(5)), &job), 5);
    }

    #[test]
    fn clients_say_little() {
        for (text, message) in [
            ("ping", ClientMessage::PlainPing),
            (r#"{ "type": "ping" }"#, ClientMessage::Ping),
            (r#"{"type":"subscribe","more":1}"#, ClientMessage::Subscribe),
            (r#"{"type":7}"#, ClientMessage::Unknown),
            ("[]", ClientMessage::Unknown),
            ("{", ClientMessage::Unknown),
        ] {
            assert_eq!(ClientMessage::parse(text), message, "{text}");
        }
    }

    #[test]
    fn codes_that_may_not_be_sent_are_not() {
        assert_eq!(
            [1000, 1001, 1005, 1006, 1015, 4404].map(reply_close_code),
            [1000, 1001, 1000, 1000, 1000, 4404]
        );
    }
}
