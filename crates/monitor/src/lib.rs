//! CPU, memory, disk and network of the process under test, the machine and brunt itself.
