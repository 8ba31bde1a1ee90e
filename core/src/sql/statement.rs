//! Questions to the index as data: the shell binds and sends them, and decides nothing.

/// A value of a query, in the order of its `?`.
#[derive(Clone, Debug, PartialEq)]
pub enum SqlValue {
    /// Nothing.
    Null,
    /// A whole number below 2^53.
    Integer(i64),
    /// A number.
    Real(f64),
    /// Text.
    Text(String),
}

/// One statement. It uses each of its values: D1 refuses a value too many. A question answers in one
/// column, `body`: JSON text, which the core reads.
#[derive(Clone, Debug, PartialEq)]
pub struct SqlStatement {
    /// With a `?1`, `?2` for each value.
    pub sql: &'static str,
    /// What stands for them.
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
