// SPDX-License-Identifier: MIT

public import SyncProtocol

/// What a sync cycle asks the server.
@_spi(Simulation)
public enum SyncRequest: Sendable, Hashable {
    case handshake(HandshakeRequest)
    case pull(PullRequest)
    case push(PushRequest)
}

/// What the server answered.
@_spi(Simulation)
public enum SyncAnswer: Sendable, Hashable {
    case handshake(HandshakeResponse)
    case pull(PullResponse)
    case push(PushResponse)
}

extension SyncRequest {
    /// Where the request goes.
    public var path: String {
        switch self {
        case .handshake: "/v1/handshake"
        case .pull: "/v1/pull"
        case .push: "/v1/push"
        }
    }

    /// The request's body.
    public var body: [UInt8] {
        switch self {
        case .handshake(let request): request.encoded()
        case .pull(let request): request.encoded()
        case .push(let request): request.encoded()
        }
    }

    /// How much longer than usual the answer may take.
    public var waitMilliseconds: UInt64 {
        if case .pull(let request) = self { request.waitMilliseconds ?? 0 } else { 0 }
    }

    /// Reads the answer as a transport got it.
    public func decode(_ answer: MessageAnswer) throws(SyncError) -> SyncAnswer {
        switch self {
        case .handshake: .handshake(try answer.message())
        case .pull: .pull(try answer.message())
        case .push: .push(try answer.message())
        }
    }
}

extension SyncTransport {
    /// Carries any request.
    func perform(_ request: SyncRequest) async -> Result<SyncAnswer, SyncError> {
        do throws(SyncError) {
            switch request {
            case .handshake(let request): return .success(.handshake(try await handshake(request)))
            case .pull(let request): return .success(.pull(try await pull(request)))
            case .push(let request): return .success(.push(try await push(request)))
            }
        } catch {
            return .failure(error)
        }
    }
}
