//! Commands to an upload's object, and its replies.
