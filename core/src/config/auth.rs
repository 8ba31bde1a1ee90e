//! The settings of end users: which tokens are valid.

use super::{CLOCK_SPEED_MAX, Setting, SettingsReader, is_loopback};
use crate::auth::jwt::hmac_key::HmacKey;
use crate::auth::jwt::key_cache::KeyCacheTimes;
use crate::auth::jwt::minted::{MINTED_ISSUER, MintKeys};
use crate::auth::jwt::settings::{AuthConfig, KeySetUrl};

impl SettingsReader<'_> {
    /// Tokens of end users. Without `AUTH_JWKS_URL` and `AUTH_JWT_SECRET`, only those that this API makes.
    pub(super) fn auth(&mut self, development: bool) -> Option<AuthConfig> {
        let errors_before = self.errors.len();
        let key_set_url =
            self.optional(Setting::AuthJwksUrl).and_then(|text| self.key_set_url(&text, development));
        let secret = self.optional(Setting::AuthJwtSecret).and_then(|secret| {
            if secret.len() < SECRET_MIN_BYTES {
                return self.reject(Setting::AuthJwtSecret, "must have at least 32 bytes");
            }
            Some(HmacKey::new(secret.as_bytes()))
        });
        let issuers = self.list(Setting::AuthIssuer);
        let audiences = self.list(Setting::AuthAudience);
        if issuers.iter().any(|issuer| issuer == MINTED_ISSUER) {
            self.reject::<()>(Setting::AuthIssuer, "must not name the issuer of this API's own tokens");
        }
        let has = |setting| self.optional(setting).is_some();
        let (by_key_set, by_secret) = (has(Setting::AuthJwksUrl), has(Setting::AuthJwtSecret));
        if by_key_set && issuers.is_empty() {
            // A key set may serve several customers of its provider, as Google's does.
            self.reject::<()>(Setting::AuthIssuer, "is required when AUTH_JWKS_URL is set");
        }
        if !by_key_set && !by_secret {
            for (setting, list) in [(Setting::AuthIssuer, &issuers), (Setting::AuthAudience, &audiences)] {
                if !list.is_empty() {
                    self.reject::<()>(setting, "has no effect without AUTH_JWKS_URL or AUTH_JWT_SECRET");
                }
            }
        }
        let signing_key = self.optional(Setting::SigningKey);
        let signing_keys = signing_key.iter().flat_map(|keys| keys.split(',')).map(str::trim);
        let mint_keys = MintKeys::derive(&signing_keys.map(str::as_bytes).collect::<Vec<_>>());
        let key_cache = KeyCacheTimes::STANDARD.scaled_by(self.clock_speed(development));
        (self.errors.len() == errors_before).then_some(AuthConfig {
            key_set_url,
            secret,
            issuers,
            audiences,
            mint_keys,
            key_cache,
        })
    }

    fn key_set_url(&mut self, text: &str, development: bool) -> Option<KeySetUrl> {
        let Some(url) = KeySetUrl::parse(text) else {
            return self.reject(Setting::AuthJwksUrl, "is not an https URL without user and fragment");
        };
        if url.is_https() || (development && is_loopback(url.host())) {
            return Some(url);
        }
        self.reject(Setting::AuthJwksUrl, "must be https (http only in development, at a loopback address)")
    }

    /// Values that are separated by commas.
    fn list(&self, setting: Setting) -> Vec<String> {
        let text = self.optional(setting).unwrap_or_default();
        text.split(',').map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned).collect()
    }

    /// The factor of `CLOCK_SPEED`, which is checked where the job's timeouts are read.
    fn clock_speed(&self, development: bool) -> i64 {
        let text = self.optional(Setting::ClockSpeed).filter(|_| development);
        text.and_then(|text| text.parse().ok())
            .filter(|times| (1..=CLOCK_SPEED_MAX).contains(times))
            .unwrap_or(1)
    }
}

/// RFC 7518 3.2: as long as the hash.
const SECRET_MIN_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::parse;

    const JWKS: (Setting, &str) = (Setting::AuthJwksUrl, "https://id.example/.well-known/jwks.json");
    const ISSUER: (Setting, &str) = (Setting::AuthIssuer, "https://id.example/, https://login.example/");
    const SECRET: (Setting, &str) = (Setting::AuthJwtSecret, "a secret of the provider, 32 bytes");
    const PRODUCTION: [(Setting, &str); 2] =
        [(Setting::Environment, "production"), (Setting::WorkersApiKey, "0123456789abcdef0123456789abcdef")];

    #[test]
    fn a_key_set_and_a_secret_may_be_set_together() {
        let auth = parse(&[JWKS, ISSUER, SECRET, (Setting::AuthAudience, "api,app")]).unwrap().auth;
        assert_eq!(auth.key_set_url.unwrap().as_str(), JWKS.1);
        assert!(auth.secret.is_some());
        assert_eq!(auth.issuers, ["https://id.example/", "https://login.example/"]);
        assert_eq!(auth.audiences, ["api", "app"]);
        let alone = parse(&[SECRET]).unwrap().auth;
        assert!(alone.issuers.is_empty() && alone.key_set_url.is_none());
    }

    #[test]
    fn each_wrong_setting_of_users_is_refused_by_its_name() {
        let http = (Setting::AuthJwksUrl, "http://id.example/keys");
        for (settings, error) in [
            (&[JWKS][..], "AUTH_ISSUER is required when AUTH_JWKS_URL is set"),
            (
                &[http, ISSUER],
                "AUTH_JWKS_URL must be https (http only in development, at a loopback address)",
            ),
            (
                &[(Setting::AuthJwksUrl, "id.example"), ISSUER],
                "AUTH_JWKS_URL is not an https URL without user and fragment",
            ),
            (&[(Setting::AuthJwtSecret, "short")], "AUTH_JWT_SECRET must have at least 32 bytes"),
            (&[ISSUER], "AUTH_ISSUER has no effect without AUTH_JWKS_URL or AUTH_JWT_SECRET"),
            (
                &[(Setting::AuthAudience, "api")],
                "AUTH_AUDIENCE has no effect without AUTH_JWKS_URL or AUTH_JWT_SECRET",
            ),
            (
                &[SECRET, (Setting::AuthIssuer, "x, reel-ballers-api")],
                "AUTH_ISSUER must not name the issuer of this API's own tokens",
            ),
        ] {
            assert_eq!(parse(settings).unwrap_err(), [error]);
        }
    }

    #[test]
    fn keys_come_over_http_from_this_machine_in_development_only() {
        let local = [(Setting::AuthJwksUrl, "http://127.0.0.1:9000/keys"), ISSUER];
        assert!(parse(&local).is_ok());
        assert!(parse(&[&local[..], &PRODUCTION].concat()).is_err());
        assert!(parse(&[&[JWKS, ISSUER][..], &PRODUCTION].concat()).is_ok());
    }

    #[test]
    fn the_clock_of_the_key_cache_is_sped_up_with_the_others() {
        let auth = parse(&[(Setting::ClockSpeed, "60")]).unwrap().auth;
        assert_eq!(auth.key_cache.interval.0, 1_000);
        assert_eq!(auth.key_cache.fetch_timeout, KeyCacheTimes::STANDARD.fetch_timeout);
    }
}
