// SPDX-License-Identifier: MIT

/// Why a server could not begin to listen.
struct HTTPServerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What failed.
    enum Code: Sendable {
        /// The host is not an address of this machine, or not a literal.
        case address
        /// Another process listens on the port.
        case addressInUse
        /// The port needs rights that the process does not have.
        case permissionDenied
        /// The system refused a socket, a poller or a wake-up descriptor.
        case system
    }

    var code: Code
    /// The system's error number, 0 if the fault was found without it.
    var errorNumber: Int32
    /// What failed and what to do about it.
    var message: String

    var description: String { message }
}
