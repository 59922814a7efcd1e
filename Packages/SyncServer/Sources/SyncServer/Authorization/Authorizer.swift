// SPDX-License-Identifier: MIT

import Cryptography
import HTTPWire
import RecordLog
import SyncProtocol

/// Says whose each request is, and whether that permits it.
///
/// Confined to the thread that runs the server. Files are looked at once a second and on SIGHUP,
/// and read when they are others; what cannot be read leaves things as they were, and the operator
/// is told.
final class Authorizer {
    /// What a token is checked against.
    private enum Authenticator {
        case none
        case tokens(TokenFile, WatchedFile)
        case keys(KeySources)
    }

    private var authenticator: Authenticator
    private let rules: TokenRules
    /// The data directory, if devices can be revoked.
    private let directory: String?
    private var revocationFile: WatchedFile?
    private var reloadSignal = ReloadSignal.Reader()
    private var revocations = Revocations()
    /// Principals of JWTs that were checked with the present keys, by the hash of the token: a
    /// signature takes a tenth of a millisecond, and a device sends the same token for hours.
    private var verified: [SHA256Digest: Principal] = [:]
    private var keys = TokenKeys()
    private var nextLook: UInt64 = 0
    /// Whether a token came by a key that is not among ours.
    private var wantsNewKeys = false
    private var audit: AccessAudit
    private let wallMilliseconds: @Sendable () -> UInt64
    private let tell: (String) -> Void

    private static let verifiedMax = 10_000
    private static let lookNanoseconds: UInt64 = 1_000_000_000

    /// Lets everybody do everything.
    init() {
        authenticator = .none
        rules = TokenRules()
        directory = nil
        wallMilliseconds = { 0 }
        tell = { _ in }
        audit = AccessAudit()
    }

    /// Reads tokens, keys and revoked devices.
    ///
    /// - Throws: `ServiceStartError` if any of them cannot be read: a server that does not know
    ///   whom to let in lets nobody in.
    init(
        _ settings: AccessSettings, directory: String,
        wallMilliseconds: @escaping @Sendable () -> UInt64, tell: @escaping (String) -> Void
    ) throws(ServiceStartError) {
        rules = settings.rules
        self.directory = directory
        self.wallMilliseconds = wallMilliseconds
        self.tell = tell
        audit = AccessAudit()
        revocationFile = WatchedFile(Revocations.path(in: directory))
        switch settings.mode {
        case .none: authenticator = .none
        case .token:
            do throws(KeySourceError) {
                var file = WatchedFile(settings.tokenFile)
                _ = file.takeChange()
                authenticator = .tokens(try TokenFile.read(file.path), file)
            } catch {
                throw ServiceStartError(description: error.description)
            }
        case .jwt:
            do throws(KeySourceError) {
                var sources = KeySources(settings)
                _ = try sources.read(isForced: true, tell: tell)
                sources.fetch(tell: tell)
                authenticator = .keys(sources)
                keys = sources.keys
            } catch {
                throw ServiceStartError(description: error.description)
            }
        }
        do throws(OpLogError) {
            _ = revocationFile?.takeChange()
            revocations = try Revocations.read(in: directory, on: POSIXFileSystem())
        } catch {
            throw ServiceStartError(
                description: "It is not known which devices are revoked: \(error)")
        }
    }
}

// Requests.
extension Authorizer {
    /// Whose a request is.
    ///
    /// - Throws: The failure to answer, which was logged.
    func authenticate(_ request: HTTPRequest) throws(ServiceFailure) -> Principal {
        do throws(AccessRefusal) {
            if case .none = authenticator { return .anyone }
            return try principal(of: try Self.token(of: request))
        } catch {
            throw refuse(error, request, nil)
        }
    }

    /// Refuses a request that its principal's token does not permit.
    ///
    /// - Parameters:
    ///   - deviceID: `nil` if the request names none. It is then one of the principal's devices.
    /// - Throws: The failure to answer, which was logged.
    func check(
        _ principal: Principal, _ databaseID: DatabaseID, _ deviceID: DeviceID?,
        _ request: HTTPRequest
    ) throws(ServiceFailure) {
        if let refusal = refusal(of: principal, databaseID, deviceID) {
            throw refuse(refusal, request, principal)
        }
    }

    /// Refuses a message on a connection that was opened by `principal`, which may have lost since
    /// then what it was permitted.
    ///
    /// - Throws: The failure to answer, which was logged.
    func checkStanding(
        of principal: Principal, _ databaseID: DatabaseID, _ deviceID: DeviceID?, on path: String
    ) throws(ServiceFailure) {
        if let refusal = standing(of: principal, databaseID, deviceID) {
            throw refuse(refusal, HTTPRequest(method: .get, target: path), principal)
        }
    }

    /// Refuses a request about all databases, unless its principal may see everything.
    func checkReadsEverything(
        _ principal: Principal, _ request: HTTPRequest
    ) throws(ServiceFailure) {
        if !principal.grants.readsEverything { throw refuse(.notForAll, request, principal) }
    }

    /// Whether what a principal was let in for may go on: a stream, or a pull that waits.
    func isStillPermitted(
        _ principal: Principal, database databaseID: DatabaseID, device deviceID: DeviceID?
    ) -> Bool {
        standing(of: principal, databaseID, deviceID) == nil
    }

    /// Why what a principal was let in for must end; `nil` if it may go on.
    func standing(
        of principal: Principal, _ databaseID: DatabaseID, _ deviceID: DeviceID?
    ) -> AccessRefusal? {
        if principal.expiresAtMilliseconds != .max,
            wallMilliseconds() >= principal.expiresAtMilliseconds
        {
            return .expired
        }
        switch (principal.credential, authenticator) {
        case (.token(let digest), .tokens(let file, _)):
            guard let entry = file.entries[digest], entry.grants == principal.grants else {
                return .withdrawn
            }
        case (.key(let fingerprint), .keys):
            guard keys.contains(fingerprint) else { return .withdrawn }
        case (.none, .none): break
        default: return .withdrawn
        }
        return refusal(of: principal, databaseID, deviceID)
    }

    private func refusal(
        of principal: Principal, _ databaseID: DatabaseID, _ deviceID: DeviceID?
    ) -> AccessRefusal? {
        guard principal.grants.permits(databaseID) else { return .otherDatabase }
        if let deviceID {
            guard principal.grants.permits(deviceID) else { return .otherDevice }
            if revocations.contains(deviceID, in: databaseID) { return .revokedDevice }
        }
        if revocations.cover(principal.grants.devices, in: databaseID) { return .revokedDevice }
        return nil
    }

    private func principal(of token: ArraySlice<UInt8>) throws(AccessRefusal) -> Principal {
        let now = wallMilliseconds()
        switch authenticator {
        case .none: return .anyone
        case .tokens(let file, _): return try file.principal(of: token, nowMilliseconds: now)
        case .keys: break
        }
        let digest = SHA256().digest(of: Array(token))
        if let principal = verified[digest] {
            guard now < principal.expiresAtMilliseconds else { throw .expired }
            return principal
        }
        let webToken = try JSONWebToken(token)
        if webToken.isUnknown(to: keys) { wantsNewKeys = true }
        let principal = try webToken.verify(keys, rules, nowMilliseconds: now)
        if verified.count >= Self.verifiedMax { verified.removeAll(keepingCapacity: true) }
        verified[digest] = principal
        return principal
    }

    /// The token that a request brings (RFC 6750, §2.1).
    static func token(of request: HTTPRequest) throws(AccessRefusal) -> ArraySlice<UInt8> {
        let values = request.headers.allBytes(of: "Authorization")
        guard let value = values.first else { throw .noToken }
        guard values.count == 1 else { throw .invalidToken("there are two Authorization headers") }
        let scheme = "bearer".utf8
        guard value.count > scheme.count,
            zip(value, scheme).allSatisfy({ ($0 | 0x20) == $1 }),
            value[value.startIndex + scheme.count] == UInt8(ascii: " ")
        else { throw .noToken }
        let token = value.dropFirst(scheme.count).drop { $0 == UInt8(ascii: " ") }
        guard !token.isEmpty, token.count <= TokenRules.tokenBytesMax else {
            throw .invalidToken("it is empty, or longer than \(TokenRules.tokenBytesMax) bytes")
        }
        return token
    }

    private func refuse(
        _ refusal: AccessRefusal, _ request: HTTPRequest, _ principal: Principal?
    ) -> ServiceFailure {
        let failure = refusal.failure
        let line =
            "refused \(request.method.rawValue) \(request.path) with \(failure.status)"
            + (principal.map { " to \($0.subject)" } ?? "") + ": \(refusal.reason)"
        audit.note(line, atMilliseconds: wallMilliseconds(), tell: tell)
        return failure
    }
}

// Changes.
extension Authorizer {
    /// Reads what has changed on disk, if it is time to look.
    ///
    /// - Parameter now: In monotonic nanoseconds.
    /// - Returns: When to call next, `nil` for never, and whether something may be permitted no
    ///   more that was.
    func advance(to now: UInt64) -> (next: UInt64?, hasChanged: Bool) {
        guard let directory else { return (nil, false) }
        let isForced = reloadSignal.take()
        guard isForced || now >= nextLook else { return (nextLook, false) }
        nextLook = now + Self.lookNanoseconds
        audit.flush(tell: tell)
        var hasChanged = readAuthenticator(isForced: isForced, now)
        if revocationFile?.takeChange() ?? false || isForced {
            do throws(OpLogError) {
                let read = try Revocations.read(in: directory, on: POSIXFileSystem())
                hasChanged = hasChanged || read != revocations
                revocations = read
            } catch {
                tell("\(error) Those that were revoked before stay so.")
            }
        }
        return (nextLook, hasChanged)
    }

    /// Returns whether tokens or keys are others now.
    private func readAuthenticator(isForced: Bool, _ now: UInt64) -> Bool {
        do throws(KeySourceError) {
            switch authenticator {
            case .none: return false
            case .tokens(let old, var file):
                let isOther = file.takeChange()
                authenticator = .tokens(old, file)
                guard isOther || isForced else { return false }
                let tokens = try TokenFile.read(file.path)
                authenticator = .tokens(tokens, file)
                tell("read \(tokens.entries.count) tokens from \(file.path)")
                return true
            case .keys(var sources):
                return readKeys(&sources, isForced: isForced, now)
            }
        } catch {
            tell("\(error) What was read before stays in force.")
            return false
        }
    }

    private func readKeys(_ sources: inout KeySources, isForced: Bool, _ now: UInt64) -> Bool {
        var hasChanged = sources.follow(
            wantsNew: wantsNewKeys || isForced, now: now, tell: tell)
        wantsNewKeys = false
        do throws(KeySourceError) {
            hasChanged = try sources.read(isForced: isForced, tell: tell) || hasChanged
        } catch {
            tell("\(error) What was read before stays in force.")
        }
        authenticator = .keys(sources)
        guard hasChanged else { return false }
        keys = sources.keys
        verified = [:]
        tell("read \(keys.keys.count) keys from \(sources.places)")
        return true
    }
}
