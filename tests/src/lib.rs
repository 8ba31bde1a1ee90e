//! Starts and stops the real pieces for the end-to-end tests.
