//! End users: from a token to the user that it names.
//!
//! Everything but a signature by a public key is decided by the core. What was verified, and the provider's
//! keys, are kept in the isolate: a token that was seen before costs no signature and no await.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use reel_core::auth::jwt::error::JwtError;
use reel_core::auth::jwt::key_cache::{FetchId, KeyCache, KeyLookup};
use reel_core::auth::jwt::key_set::Jwk;
use reel_core::auth::jwt::verified::VerifiedTokens;
use reel_core::auth::jwt::verify::{PendingToken, Verification, VerifiedUser, verify};
use reel_core::auth::revocation::{ListState, RevokedTokens};
use reel_core::base::owner::OwnerId;
use reel_core::base::time::Timestamp;
use reel_core::config::Config;
use reel_core::http::problem::Problem;
use reel_core::objects::log_event::LogSubject;
use reel_core::sql::owners::select_revoked_tokens;
use worker::Env;

use crate::api::RequestContext;
use crate::clients::key_set;
use crate::index;
use crate::objects::unavailable;
use crate::platform::timeout::sleep;
use crate::platform::{clock, env, web_crypto};

#[derive(Default)]
struct Known {
    tokens: VerifiedTokens,
    revoked: RevokedTokens,
    keys: KeyCache,
}

thread_local! {
    // Borrowed only between two awaits, and by no two functions at once.
    static KNOWN: RefCell<Known> = RefCell::default();
}

/// The user of a token.
///
/// # Errors
/// 401 with what is wrong with the token, 503 while the provider's keys, or the list of revoked tokens, are
/// needed and cannot be had.
pub async fn authenticate(context: &RequestContext<'_>, token: &str) -> Result<Rc<VerifiedUser>, Problem> {
    let user = verify_user(context, token).await?;
    refresh_revocations(context).await?;
    let owner = || context.config.id_key.owner_id(&user.subject);
    if KNOWN.with_borrow(|known| known.revoked.revokes(owner, user.issued_at)) {
        return Err(Problem::invalid_token(JwtError::Revoked));
    }
    Ok(user)
}

/// The user of a token that is known to be valid now, without waiting for anything.
pub fn known_user(config: &Config, token: &str) -> Option<Rc<VerifiedUser>> {
    let now = clock::now();
    KNOWN.with_borrow_mut(|known| {
        let user = known.tokens.get(token, now)?;
        let owner = || config.id_key.owner_id(&user.subject);
        (known.revoked.is_fresh(now) && !known.revoked.revokes(owner, user.issued_at)).then_some(user)
    })
}

/// Notes a revocation that this isolate has written.
pub fn note_revocation(owner: OwnerId, revoked_at: Timestamp) {
    KNOWN.with_borrow_mut(|known| known.revoked.add(owner, revoked_at));
}

/// Reads the revoked tokens anew if that is due: before the response if the list is too old to be believed,
/// else after it.
async fn refresh_revocations(context: &RequestContext<'_>) -> Result<(), Problem> {
    match KNOWN.with_borrow_mut(|known| known.revoked.state(clock::now())) {
        ListState::Fresh => Ok(()),
        ListState::Aging => {
            let (env, request_id) = (context.env.clone(), context.request_id.to_owned());
            context.background.wait_until(async move {
                // The next request tries again; the cause is logged.
                let _ = read_revocations(&env, LogSubject::Request(&request_id)).await;
            });
            Ok(())
        }
        ListState::Old => match read_revocations(context.env, context.subject()).await {
            Err(_) if KNOWN.with_borrow(|known| known.revoked.serves_unread(clock::now())) => Ok(()),
            answer => answer,
        },
    }
}

async fn read_revocations(env: &Env, subject: LogSubject<'_>) -> Result<(), Problem> {
    let (database, asked_at) = (env::database(env)?, clock::now());
    let rows = index::query(&database, select_revoked_tokens()).await;
    let rows = rows.map_err(|cause| unavailable(subject, "the index", &cause))?;
    KNOWN.with_borrow_mut(|known| known.revoked.replace(&rows, asked_at));
    Ok(())
}

async fn verify_user(context: &RequestContext<'_>, token: &str) -> Result<Rc<VerifiedUser>, Problem> {
    let now = clock::now();
    let (user, changes) = KNOWN.with_borrow_mut(|known| (known.tokens.get(token, now), known.keys.changes()));
    if let Some(user) = user {
        return Ok(user);
    }
    let user = match verify(token, &context.config.auth, now).map_err(Problem::invalid_token)? {
        Verification::Verified(user) => user,
        Verification::ByPublicKey(pending) => {
            let mut valid = false;
            for key in keys_for(context, &pending).await? {
                if let Some(check) = pending.check(&key)
                    && web_crypto::verify(check).await
                {
                    valid = true;
                    break;
                }
            }
            pending.conclude(valid).map_err(Problem::invalid_token)?
        }
    };
    let user = Rc::new(user);
    let max_age = context.config.auth.key_cache.refresh_after;
    KNOWN.with_borrow_mut(|known| {
        // Otherwise its key may have gone while its signature was checked.
        if known.keys.changes() == changes {
            known.tokens.insert(token, &user, now, max_age);
        }
    });
    Ok(user)
}

/// The keys that may have signed the token.
///
/// The platform lets no request wait for another's IO, so a request that finds a fetch under way looks again
/// until the fetch has ended. No request waits for two fetches.
async fn keys_for(context: &RequestContext<'_>, pending: &PendingToken<'_>) -> Result<Vec<Jwk>, Problem> {
    let times = context.config.auth.key_cache;
    let mut has_waited = false;
    for _ in 0..LOOKS_MAX {
        let now = clock::now();
        let lookup = KNOWN
            .with_borrow(|known| known.keys.look_up(pending.algorithm, pending.kid.as_deref(), now, times));
        match lookup {
            KeyLookup::Found { keys, refresh } => {
                if refresh {
                    let id = begin_fetch();
                    let config = Rc::clone(&context.config);
                    let request_id = context.request_id.to_owned();
                    context.background.wait_until(async move { fetch_keys(&config, &request_id, id).await });
                }
                return Ok(keys);
            }
            KeyLookup::Fetch if has_waited => break,
            KeyLookup::Fetch => {
                has_waited = true;
                fetch_keys(&context.config, context.request_id, begin_fetch()).await;
            }
            KeyLookup::Wait => {
                has_waited = true;
                sleep(LOOK_AGAIN).await;
            }
            KeyLookup::Unknown => return Err(Problem::invalid_token(JwtError::UnknownKey)),
            KeyLookup::Unavailable => break,
        }
    }
    Err(Problem::keys_unavailable())
}

fn begin_fetch() -> FetchId {
    KNOWN.with_borrow_mut(|known| known.keys.begin_fetch(clock::now()))
}

async fn fetch_keys(config: &Config, request_id: &str, id: FetchId) {
    let Some(url) = &config.auth.key_set_url else { return };
    let timeout = config.auth.key_cache.fetch_timeout;
    let set = key_set::fetch(url, timeout, LogSubject::Request(request_id)).await;
    KNOWN.with_borrow_mut(|known| {
        if known.keys.end_fetch(id, set, clock::now()) {
            // A token of a key that is gone is not to be believed any longer.
            known.tokens.clear();
        }
    });
}

const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// A little more than a fetch may take.
const LOOKS_MAX: u32 = 130;
