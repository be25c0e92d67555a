//! Bad input, each with a clear error that names the field.

mod by_grpc;
mod by_open311;
