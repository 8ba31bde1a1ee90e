//! What a deployment accepts of end users.

use crate::auth::jwt::hmac_key::HmacKey;
use crate::auth::jwt::key_cache::KeyCacheTimes;
use crate::auth::jwt::minted::MintKeys;
use crate::base::base_url::BaseUrl;

/// Which tokens of end users are valid. Tokens that this API makes itself always are.
#[derive(Clone, Debug)]
pub struct AuthConfig {
    /// Where the identity provider publishes its keys. With it, `issuers` is not empty.
    pub key_set_url: Option<KeySetUrl>,
    /// The secret that the identity provider signs with.
    pub secret: Option<HmacKey>,
    /// Accepted values of `iss`; none is checked when the list is empty.
    pub issuers: Vec<String>,
    /// Accepted values of `aud`; none is checked when the list is empty.
    pub audiences: Vec<String>,
    /// The keys of tokens that this API makes.
    pub mint_keys: MintKeys,
    /// How long the provider's keys are kept.
    pub key_cache: KeyCacheTimes,
}

/// The address of a key set: http or https, without user and fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySetUrl {
    text: String,
    origin: BaseUrl,
}

impl KeySetUrl {
    /// Reads an address. Its path and query may hold what a `BaseUrl` may not, such as the `@` of Google's.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let origin = BaseUrl::parse(&format!("{scheme}://{authority}"))?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%/?".contains(&byte);
        path.bytes().all(plain).then(|| Self { text: format!("{}{path}", origin.as_str()), origin })
    }

    /// The whole address.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether nobody in between can change the keys.
    pub fn is_https(&self) -> bool {
        self.text.starts_with("https://")
    }

    /// Host, and port unless it is the scheme's own.
    pub fn host(&self) -> &str {
        self.origin.host()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_of_providers_are_read() {
        for text in [
            "https://example.clerk.accounts.dev/.well-known/jwks.json",
            "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com",
            "https://t.b2clogin.com/t.onmicrosoft.com/discovery/v2.0/keys?p=b2c_1",
            "http://127.0.0.1:9000/keys",
            "https://x.example",
        ] {
            assert_eq!(KeySetUrl::parse(text).unwrap().as_str(), text);
        }
        let url = KeySetUrl::parse("https://X.example:443/a").unwrap();
        assert_eq!((url.as_str(), url.host(), url.is_https()), ("https://x.example/a", "x.example", true));
        for text in [
            "",
            "x.example/keys",
            "ftp://x.example/keys",
            "https://user@x.example/keys",
            "https://x.example@evil.example",
            "https://x.example/keys#a",
            "https://x.example\\@evil.example/",
            "https://x.example/a b",
            "https:///keys",
        ] {
            assert_eq!(KeySetUrl::parse(text), None, "{text}");
        }
    }
}
