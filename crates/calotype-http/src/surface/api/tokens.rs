//! API tokens, with the paths and shapes of the reference's account-owned tokens (D6).

use std::net::IpAddr;

use calotype_store::{Account, Networks, NewToken, Scope, Token};
use http::request::Parts;
use ipnet::IpNet;
use serde_json::{Map, Value, json};

use super::{Call, access, body, query};
use crate::client_address::client_address;
use crate::hosted::{Hosted, Outcome, Problem, parse_timestamp, success, success_with, timestamp};
use crate::router::RequestBytes;

/// The reference's own ids of the two groups, which scripts have written down.
const READ_GROUP: (&str, &str) = ("0cf6473ad41449e7b7b743d14fc20c60", "Images Read");
const WRITE_GROUP: (&str, &str) = ("618ec6c64a3a42f8b08bdcb147ded4e4", "Images Write");
const PER_PAGE_MAX: usize = 500;
const PER_PAGE_DEFAULT: usize = 20;

/// `GET /user/tokens/verify`, which many scripts ask first.
pub(super) fn verified(token: &Token) -> Outcome {
    let mut result = json!({ "id": token.id, "status": "active" });
    if let (Some(members), Some(end)) = (result.as_object_mut(), token.expires_ms) {
        members.insert("expires_on".to_owned(), timestamp(end).into());
    }
    success(&result)
}

impl Call<'_> {
    pub(super) async fn tokens(&self) -> Outcome {
        let parameters = query::parameters(self.parts.uri.query().unwrap_or_default())?;
        let number = |name: &str, max: usize| match query::single(&parameters, name)? {
            None => Ok(None),
            Some(text) => match text.parse().ok().filter(|number| (1..=max).contains(number)) {
                Some(number) => Ok(Some(number)),
                None => Err(Problem::bad_request(format!("{name} must be a whole number from 1"))),
            },
        };
        let page = number("page", u32::MAX as usize)?.unwrap_or(1);
        let per_page = number("per_page", PER_PAGE_MAX)?.unwrap_or(PER_PAGE_DEFAULT);
        let all = self.hosted.store.tokens(&self.account).await?;
        let shown: Vec<Value> = all
            .iter()
            .skip(page.saturating_sub(1).saturating_mul(per_page))
            .take(per_page)
            .map(|token| self.record(token))
            .collect();
        let info = json!({
            "page": page,
            "per_page": per_page,
            "count": shown.len(),
            "total_count": all.len(),
            "total_pages": all.len().div_ceil(per_page),
        });
        success_with(&shown, Some(&info))
    }

    pub(super) async fn create_token(&self, body: RequestBytes) -> Outcome {
        // What is bound could free itself by a child.
        if !self.token.as_ref().is_none_or(Token::is_unbound) {
            return Err(Problem::forbidden());
        }
        let members = body::json(body).await?;
        let new = new_token(&members, &self.account)?;
        let (token, secret) = self.hosted.store.create_token_of(&self.account, new).await?;
        let mut record = self.record(&token);
        if let Some(members) = record.as_object_mut() {
            members.insert("value".to_owned(), secret.reveal().into());
        }
        success(&record)
    }

    pub(super) async fn token(&self, id: &str) -> Outcome {
        let token = self.hosted.store.token_by_id(&self.account, id).await?;
        success(&self.record(&token))
    }

    pub(super) async fn revoke_token(&self, id: &str) -> Outcome {
        self.hosted.store.revoke_token(&self.account, id).await?;
        success(&json!({ "id": id }))
    }

    fn record(&self, token: &Token) -> Value {
        let has_ended = token
            .expires_ms
            .is_some_and(|end| end <= self.hosted.store.clock().now_ms());
        let (id, name) = match token.scope {
            Scope::Read => READ_GROUP,
            Scope::Write => WRITE_GROUP,
        };
        let resource = format!("com.cloudflare.api.account.{}", self.account.id);
        let mut record = json!({
            "id": token.id,
            "name": token.name,
            "status": if has_ended { "expired" } else { "active" },
            "issued_on": timestamp(token.created_ms),
            "modified_on": timestamp(token.created_ms),
            "policies": [{
                "id": token.id,
                "effect": "allow",
                "permission_groups": [{ "id": id, "name": name }],
                "resources": { resource: "*" },
            }],
        });
        if let Some(members) = record.as_object_mut() {
            if let Some(end) = token.expires_ms {
                members.insert("expires_on".to_owned(), timestamp(end).into());
            }
            if !token.networks.is_everywhere() {
                let condition = json!({ "request_ip": {
                    "in": token.networks.allowed(),
                    "not_in": token.networks.refused(),
                } });
                members.insert("condition".to_owned(), condition);
            }
        }
        record
    }
}

/// What tokens may be allowed.
pub(super) fn permission_groups() -> Outcome {
    let groups: Vec<Value> = [READ_GROUP, WRITE_GROUP]
        .iter()
        .map(|(id, name)| json!({ "id": id, "name": name, "scopes": ["com.cloudflare.api.account"] }))
        .collect();
    success(&groups)
}

/// Where a request comes from, as far as that is known.
pub(super) fn address(hosted: &Hosted, parts: &Parts) -> Option<IpAddr> {
    client_address(parts, &hosted.trusted_proxies)
}

/// The token that a request uses, if it may be used from where the request comes from.
pub(super) async fn used(hosted: &Hosted, parts: &Parts) -> Result<Token, Problem> {
    let token = access::token(&hosted.store, &parts.headers).await?;
    if token.networks.admit(address(hosted, parts)) {
        return Ok(token);
    }
    Err(Problem::forbidden())
}

fn new_token(members: &Map<String, Value>, account: &Account) -> Result<NewToken, Problem> {
    let name = members
        .get("name")
        .and_then(Value::as_str)
        .ok_or_else(|| Problem::bad_request("name must be given, as a text"))?;
    if members.get("not_before").is_some_and(|value| !value.is_null()) {
        return Err(Problem::bad_request(
            "not_before is not supported: a token is good from now on",
        ));
    }
    let expires_ms = match members.get("expires_on") {
        None | Some(Value::Null) => None,
        Some(value) => {
            let end = value.as_str().and_then(parse_timestamp);
            Some(end.ok_or_else(|| {
                Problem::bad_request("expires_on must be an RFC 3339 time, for example 2027-07-14T10:30:00Z")
            })?)
        }
    };
    Ok(NewToken {
        name: name.to_owned(),
        scope: scope(members, account)?,
        expires_ms,
        networks: networks(members)?,
    })
}

/// What the policies allow, all together.
fn scope(members: &Map<String, Value>, account: &Account) -> Result<Scope, Problem> {
    let wrong = |what: &'static str| Problem::bad_request(format!("policies: {what}"));
    let policies = members
        .get("policies")
        .and_then(Value::as_array)
        .filter(|policies| !policies.is_empty())
        .ok_or_else(|| wrong("give a list with at least one policy"))?;
    let mut scope = Scope::Read;
    for policy in policies {
        if policy.get("effect").is_some_and(|effect| effect != "allow") {
            return Err(wrong("the only effect is allow"));
        }
        if let Some(resources) = policy.get("resources") {
            let resources = resources
                .as_object()
                .ok_or_else(|| wrong("resources must be an object"))?;
            let is_here = |name: &str| {
                name.strip_prefix("com.cloudflare.api.account.")
                    .is_some_and(|id| id == "*" || id == account.id)
            };
            if !resources.keys().all(|name| is_here(name)) {
                return Err(wrong("resources may name this account alone"));
            }
        }
        let groups = policy
            .get("permission_groups")
            .and_then(Value::as_array)
            .filter(|groups| !groups.is_empty())
            .ok_or_else(|| wrong("permission_groups must name at least one group"))?;
        for group in groups {
            let is = |(id, name): (&str, &str)| {
                let text = |member: &str| group.get(member).and_then(Value::as_str);
                text("id").map_or_else(|| text("name") == Some(name), |given| given == id)
            };
            if is(WRITE_GROUP) {
                scope = Scope::Write;
            } else if !is(READ_GROUP) {
                return Err(wrong("the groups are those of GET …/tokens/permission_groups"));
            }
        }
    }
    Ok(scope)
}

/// `condition.request_ip`, which some documents write with a dot.
fn networks(members: &Map<String, Value>) -> Result<Networks, Problem> {
    let condition = match members.get("condition") {
        None | Some(Value::Null) => return Ok(Networks::default()),
        Some(Value::Object(condition)) => condition,
        Some(_) => return Err(Problem::bad_request("condition must be an object")),
    };
    let Some(request) = condition.get("request_ip").or_else(|| condition.get("request.ip")) else {
        return Ok(Networks::default());
    };
    let list = |name: &str| match request.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(value) => value
            .as_array()
            .map(Vec::as_slice)
            .and_then(|networks| networks.iter().map(network).collect())
            .ok_or_else(|| {
                Problem::bad_request(format!(
                    "condition.request_ip.{name} must be a list of networks, for example [\"10.0.0.0/8\"]"
                ))
            }),
    };
    Ok(Networks::new(list("in")?, list("not_in")?)?)
}

/// A network, or a single address.
fn network(value: &Value) -> Option<IpNet> {
    let text = value.as_str()?;
    text.parse()
        .ok()
        .or_else(|| Some(IpNet::from(text.parse::<IpAddr>().ok()?)))
}
