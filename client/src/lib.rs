//! Typed client of the export job API.
