//! SQL statements as data. The shell binds their values and runs them, and decides nothing.

/// A value of a statement.
#[derive(Clone, Debug, PartialEq)]
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

/// One statement. It must use all of its values, because D1 rejects a spare one. A query returns one
/// column, `body`: JSON text, which the core reads.
#[derive(Clone, Debug, PartialEq)]
pub struct SqlStatement {
    /// The text, with `?1`, `?2` for the values.
    pub sql: &'static str,
    /// The values, in the order of their numbers.
    pub values: Vec<SqlValue>,
}

impl SqlStatement {
    /// A statement and its values.
    pub fn new(sql: &'static str, values: impl Into<Vec<SqlValue>>) -> Self {
        Self { sql, values: values.into() }
    }
}

impl From<i64> for SqlValue {
    fn from(number: i64) -> Self {
        Self::Integer(number)
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

impl From<Option<f64>> for SqlValue {
    fn from(number: Option<f64>) -> Self {
        number.map_or(Self::Null, Self::Real)
    }
}
