//! The key of derived ids. It does not rotate: with another key, a repeated request would make a second job,
//! and users would no longer find what they own.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::auth::subject::Subject;
use crate::base::hmac::mac_of;
use crate::base::id::JobId;
use crate::base::owner::OwnerId;
use crate::webhook::id::WebhookId;
use crate::webhook::signature::WebhookSecret;

/// Derives ids with the deployment's `ID_KEY`.
#[derive(Clone)]
pub struct IdKey(Hmac<Sha256>);

impl std::fmt::Debug for IdKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdKey(..)")
    }
}

impl IdKey {
    /// HMAC takes keys of any length; `config` requires at least 32 bytes.
    pub fn new(key: &[u8]) -> Self {
        Self(super::hmac_of(key))
    }

    /// The owner that this subject is.
    pub fn owner_id(&self, subject: &Subject) -> OwnerId {
        let mut mac = self.0.clone();
        mac.update(b"owner\n");
        mac.update(subject.as_str().as_bytes());
        let mut hash = [0u8; 8];
        for (byte, digest) in hash.iter_mut().zip(mac.finalize().into_bytes()) {
            *byte = digest;
        }
        OwnerId::new(hash)
    }

    /// The secret of an endpoint. A new generation is a new secret.
    pub fn webhook_secret(&self, id: WebhookId, generation: i64) -> WebhookSecret {
        self.secret(&format!("webhook\n{id}\n{generation}"))
    }

    /// The secret that deliveries to a job's own `webhook_url` are signed with; none is a service's.
    pub fn webhook_url_secret(&self, owner: Option<OwnerId>) -> WebhookSecret {
        let owner = owner.map(|owner| owner.to_string()).unwrap_or_default();
        self.secret(&format!("webhook-url\n{owner}"))
    }

    fn secret(&self, label: &str) -> WebhookSecret {
        WebhookSecret::new(mac_of(self.0.clone(), label))
    }

    /// The job id of an `Idempotency-Key`: the same key gives the same id. Within a scope, such as an owner,
    /// it is another id than without one or within another scope.
    pub fn derive_job_id(&self, scope: Option<&str>, idempotency_key: &str) -> JobId {
        let mut mac = self.0.clone();
        match scope {
            None => mac.update(b"idempotency\n"),
            // The length keeps a scope and a key from being read as another pair.
            Some(scope) => mac.update(format!("idempotency-within\n{}\n{scope}\n", scope.len()).as_bytes()),
        }
        mac.update(idempotency_key.as_bytes());
        let digest = mac.finalize().into_bytes();
        let mut bytes = [0u8; 16];
        for (byte, digest) in bytes.iter_mut().zip(digest) {
            *byte = digest;
        }
        JobId::from_random(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> IdKey {
        IdKey::new(&[7; 32])
    }

    #[test]
    fn one_idempotency_key_gives_one_job_id() {
        assert_eq!(key().derive_job_id(None, "abc"), key().derive_job_id(None, "abc"));
        assert_ne!(key().derive_job_id(None, "abc"), key().derive_job_id(None, "abd"));
        assert_ne!(key().derive_job_id(None, "abc"), IdKey::new(&[8; 32]).derive_job_id(None, "abc"));
        assert_eq!(format!("{:?}", key()), "IdKey(..)");
    }

    #[test]
    fn every_endpoint_generation_and_owner_has_a_secret_of_its_own() {
        let [one, other] = [1, 2].map(|byte| WebhookId::from_random([byte; 16]));
        let owner = OwnerId::new([7; 8]);
        let secrets = [
            key().webhook_secret(one, 1),
            key().webhook_secret(one, 2),
            key().webhook_secret(other, 1),
            key().webhook_url_secret(None),
            key().webhook_url_secret(Some(owner)),
            IdKey::new(&[8; 32]).webhook_secret(one, 1),
        ];
        for (index, secret) in secrets.iter().enumerate() {
            assert_eq!(secrets.iter().position(|same| same == secret), Some(index));
        }
        assert_eq!(key().webhook_secret(one, 1), secrets[0]);
    }

    proptest! {
        #[test]
        fn scopes_share_no_id(
            scopes in proptest::collection::hash_set(".{0,12}", 2..4), keys in proptest::collection::hash_set("[ -~\n]{1,12}", 1..4)
        ) {
            let scopes: Vec<Option<&str>> = scopes.iter().map(|scope| Some(scope.as_str())).chain([None]).collect();
            let ids: std::collections::HashSet<JobId> =
                scopes.iter().flat_map(|scope| keys.iter().map(|text| key().derive_job_id(*scope, text))).collect();
            prop_assert_eq!(ids.len(), scopes.len() * keys.len());
        }
    }
}
