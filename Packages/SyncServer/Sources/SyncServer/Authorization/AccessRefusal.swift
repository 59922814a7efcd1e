// SPDX-License-Identifier: MIT

import SyncProtocol

/// Why a request is refused: 401 if it is not known whose it is, 403 if that does not permit it
/// (protocol, §7).
///
/// The peer is told no more than its own token tells it: nothing of a database that it may not see,
/// and nothing of why a token that nobody here signed is not taken.
enum AccessRefusal: Error, Equatable {
    /// No token came.
    case noToken
    /// The token is not taken; the text is for the operator and holds nothing of the token.
    case invalidToken(String)
    /// The token was good, and its time is over.
    case expired
    /// The token was good, and is none any more: it was taken out of the file, or its key was.
    case withdrawn
    case otherDatabase
    case otherDevice
    case revokedDevice
    /// What was asked for is about all databases.
    case notForAll

    /// For the operator.
    var reason: String {
        switch self {
        case .noToken: "no token"
        case .invalidToken(let why): "the token is not taken: \(why)"
        case .expired: "the token has expired"
        case .withdrawn: "the token was withdrawn"
        case .otherDatabase: "the token is for other databases"
        case .otherDevice: "the token is for other devices"
        case .revokedDevice: "the device was revoked"
        case .notForAll: "the token is not for all databases, devices and collections"
        }
    }

    /// What the peer is answered.
    var failure: ServiceFailure {
        switch self {
        case .noToken:
            .unauthenticated("This server asks for a token: Authorization: Bearer TOKEN.", nil)
        case .invalidToken, .withdrawn:
            .unauthenticated("The token is not valid here.", "invalid_token")
        case .expired:
            .unauthenticated("The token has expired. Get a new one.", "invalid_token")
        case .otherDatabase: .forbidden("The token does not permit this database.")
        case .otherDevice: .forbidden("The token does not permit this device.")
        case .revokedDevice: .forbidden("The device was revoked.")
        case .notForAll:
            .forbidden("The token does not permit all databases, devices and collections.")
        }
    }
}

extension ServiceFailure {
    /// 401, with what it asks for (RFC 6750, §3).
    fileprivate static func unauthenticated(
        _ message: String, _ error: String?
    ) -> ServiceFailure {
        var failure = ServiceFailure(
            401, ErrorResponse(code: .authenticationFailed, message: message))
        failure.challenge =
            #"Bearer realm="entitysync""# + (error.map { #", error="\#($0)""# } ?? "")
        return failure
    }

    fileprivate static func forbidden(_ message: String) -> ServiceFailure {
        ServiceFailure(403, ErrorResponse(code: .authorizationFailed, message: message))
    }
}
