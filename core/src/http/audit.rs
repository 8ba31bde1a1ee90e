//! Which requests the audit log keeps, and what a line of it says.
//!
//! Invariant: a line names a caller, never a credential; it has no subject, only the hash of an owner.

use crate::http::access::Caller;
use crate::http::requests::uploads::UploadAction;
use crate::http::route::Route;

/// What a request changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditTarget {
    /// Nothing, or what a log of its own keeps: a job has the reports of its GPU worker.
    None,
    /// The thing of this id, which is in the path.
    Named(String),
    /// Something new: its handler knows the id.
    New,
}

impl Route<'_> {
    /// What the request changes.
    pub fn audit_target(&self) -> AuditTarget {
        match self {
            Self::DeleteJob(id) | Self::Cancel(id) | Self::Retry(id) | Self::RevokeLinks(id) => {
                AuditTarget::Named(id.to_string())
            }
            Self::Redeliver(id, delivery) => AuditTarget::Named(format!("{id}/{delivery}")),
            Self::PutWebhook(id)
            | Self::DeleteWebhook(id)
            | Self::RotateWebhookSecret(id)
            | Self::TestWebhook(id) => AuditTarget::Named(id.to_string()),
            Self::PutProject(id) => AuditTarget::Named(id.get().to_string()),
            Self::PutClip(id) | Self::DeleteClip(id) => {
                AuditTarget::Named(format!("{}/{}", id.project.get(), id.index()))
            }
            Self::CreateJob
            | Self::CreateBatch
            | Self::CreateExport(_)
            | Self::UploadUrl
            | Self::CreateUpload
            | Self::MintToken
            | Self::CreateWebhook
            | Self::DeleteOwner(_)
            | Self::RevokeTokens(_)
            | Self::Upload(_, UploadAction::Complete | UploadAction::Abort) => AuditTarget::New,
            // Parts are signed and confirmed by the hundred; what becomes of them is the completion.
            Self::Upload(_, UploadAction::Sign | UploadAction::Confirm | UploadAction::Show)
            | Self::Health
            | Self::ListJobs
            | Self::Job(_)
            | Self::Watch(_)
            | Self::WatchLegacy(_)
            | Self::Events(_)
            | Self::Filmstrip(_)
            | Self::Callback(..)
            | Self::Webhook(..)
            | Self::Download(_)
            | Self::ActiveExports
            | Self::Export(..)
            | Self::ListProjects
            | Self::ListWebhooks
            | Self::ShowWebhook(_)
            | Self::WebhookUrlSecret
            | Self::Deliveries(_)
            | Self::Project(_)
            | Self::ListClips(_)
            | Self::Clip(_)
            | Self::Limits
            | Self::Audit
            | Self::Preflight => AuditTarget::None,
        }
    }
}

/// Whether an answer says that something was, or may have been, changed. A refusal changes nothing.
pub const fn may_have_changed(status: u16) -> bool {
    !matches!(status, 400..=499)
}

/// The caller's name in the audit log. `None` for those who change nothing by themselves.
pub fn caller_name(caller: &Caller) -> Option<&str> {
    match caller {
        Caller::Service { name, .. } => Some(name),
        Caller::User(..) => Some("user"),
        Caller::Uploader(_) => Some("uploader"),
        Caller::Anyone | Caller::Watcher(_) | Caller::Attempt(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::route::ROUTES;

    const ID: &str = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50";

    #[test]
    fn every_route_that_writes_is_kept_but_reports_and_parts() {
        let mut unkept = Vec::new();
        for row in ROUTES {
            let path = row.path_with(|name| match name {
                "job_id" | "webhook_id" => ID.to_owned(),
                "delivery_id" => "3.url".to_owned(),
                "key" => "input/a/b.mp4".to_owned(),
                _ => "7".to_owned(),
            });
            for method in row.methods.split(", ") {
                let target = Route::parse(method, &path).unwrap().audit_target();
                let reads = matches!(method, "GET" | "HEAD");
                assert!(!reads || target == AuditTarget::None, "{method} {path} only reads");
                if !reads && target == AuditTarget::None {
                    unkept.push(format!("{method} {}", row.path));
                }
            }
        }
        let expected = [
            "POST /api/jobs/{job_id}/attempt/claim",
            "POST /api/jobs/{job_id}/attempt/progress",
            "POST /api/jobs/{job_id}/attempt/complete",
            "POST /api/jobs/{job_id}/attempt/error",
            "POST /api/jobs/{job_id}/do/{token}/claim",
            "POST /api/jobs/{job_id}/do/{token}/progress",
            "POST /api/jobs/{job_id}/do/{token}/complete",
            "POST /api/jobs/{job_id}/do/{token}/error",
            "POST /api/runpod/webhook/{job_id}/{token}",
            "POST /api/videos/multipart/{upload_id}/parts",
            "PUT /api/videos/multipart/{upload_id}/parts",
        ];
        assert_eq!(unkept, expected);
    }

    #[test]
    fn a_refusal_is_not_kept_and_a_failure_is() {
        assert_eq!(
            [200, 201, 204, 401, 409, 429, 500, 503].map(may_have_changed),
            [true, true, true, false, false, false, true, true]
        );
    }
}
