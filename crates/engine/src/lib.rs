//! Users, pacing, connections, protocols and the recorder: makes the load.
