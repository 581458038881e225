//! TLS: a certificate from files, or one of its own.
