//! The description of the API, made from the code, and the reference page made from that.
