//! Statements as data: the Worker binds and runs them, and decides nothing.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use crate::base::owner::OwnerId;

/// A value of a statement.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum SqlValue {
    /// `NULL`.
    Null,
    /// A whole number below 2^53.
    Integer(i64),
    /// A number.
    Real(f64),
    /// Text.
    Text(String),
}

/// One statement. It uses each of its values, since D1 refuses a value too many. A `SELECT` answers in one
/// column, `body`: JSON text or a plain key, which the core reads.
#[derive(Clone, Debug, PartialEq)]
pub struct SqlStatement {
    /// With a `?1`, `?2` for each value.
    pub sql: Cow<'static, str>,
    /// The values, in the order of their numbers.
    pub values: Vec<SqlValue>,
}

impl SqlStatement {
    /// A statement and its values.
    pub fn new(sql: impl Into<Cow<'static, str>>, values: impl Into<Vec<SqlValue>>) -> Self {
        Self { sql: sql.into(), values: values.into() }
    }
}

impl Serialize for SqlStatement {
    /// A list of its text and its values, as `src/platform/bindings.mjs` takes it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(
            std::iter::once(SqlRef::Text(&self.sql)).chain(self.values.iter().map(SqlRef::Value)),
        )
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum SqlRef<'s> {
    Text(&'s str),
    Value(&'s SqlValue),
}

/// The column `owner` of projects and clips, which is part of their key: empty for a service's.
pub(super) fn owner_key(owner: Option<OwnerId>) -> SqlValue {
    owner.map(|owner| owner.to_string()).unwrap_or_default().into()
}

impl From<i64> for SqlValue {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<Option<i64>> for SqlValue {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::Null, Self::Integer)
    }
}

impl From<Option<f64>> for SqlValue {
    fn from(number: Option<f64>) -> Self {
        number.map_or(Self::Null, Self::Real)
    }
}

impl From<String> for SqlValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for SqlValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Option<&str>> for SqlValue {
    fn from(text: Option<&str>) -> Self {
        text.map_or(Self::Null, Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_crosses_as_a_list() {
        let values: Vec<SqlValue> =
            vec![None::<i64>.into(), (1_i64 << 52).into(), Some(0.5).into(), "a\"\n".into()];
        let json = serde_json::to_string(&SqlStatement::new("SELECT ?1", values)).unwrap();
        assert_eq!(json, r#"["SELECT ?1",null,4503599627370496,0.5,"a\"\n"]"#);
    }
}
