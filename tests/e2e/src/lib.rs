//! End to end: drives the real executables, the browser included. All of it stands in `tests/e2e`; this library only
//! gives the test binary a crate to belong to.
