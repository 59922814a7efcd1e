// SPDX-License-Identifier: MIT

import HTTPWire
@_spi(Simulation) import SyncClient
import SyncProtocol

/// A connection between a device and the server: two directions, each of which keeps its order.
final class VirtualLink {
    /// What waits at the device for its end.
    struct Exchange {
        var request: SyncRequest
        /// How many bytes of the request the server has not yet got.
        var bytesLeft: Int
        /// What the network does to the answer.
        var answerFate = AnswerFate.arrives
        /// Whether the request is refused before the server gets it; `nil` until it comes.
        var isRefused: Bool?
        /// Whether the server has the request and keeps it waiting for news.
        var waitsForNews = false
    }

    /// What becomes of an answer's bytes.
    enum AnswerFate {
        case arrives
        /// The connection breaks behind some of them; a part of 1.
        case cut(share: Double)
        /// The server's side seems to have ended behind some of them.
        case ends(share: Double)
    }

    let number: Int
    /// The device; `nil` for a copy that a middlebox sends.
    let device: DeviceHost?
    /// The server's end, once it was accepted.
    var connection: Int?
    /// Whether the server's end is gone.
    var isBroken = false
    /// The request that has no answer yet.
    var exchange: Exchange?
    /// Which wait of the device the exchange belongs to.
    var awaited = 0
    /// How many pulls have waited here.
    var waitCount = 0
    /// Whether the device can still use its end.
    var isUsable = true
    /// Whether the device has ended its sending.
    var hasEndedSending = false
    /// One direction of a connection.
    struct Way {
        let direction: NetworkPath.Direction
        /// When the latest bytes arrive.
        var lastArrival: UInt64 = 0
        /// Whether bytes got lost. What follows them cannot be read either, so the direction is
        /// dead, and nobody is told.
        var isDead = false
    }

    var toServer = Way(direction: .toServer)
    var toDevice = Way(direction: .toDevice)
    var parser = HTTPResponseParser()
    /// What the network does to the present exchange.
    var weather: NetworkWeather

    init(number: Int, device: DeviceHost?, weather: NetworkWeather) {
        self.number = number
        self.device = device
        self.weather = weather
    }
}

extension SyncRequest {
    /// The request as it goes over a connection.
    var wireBytes: [UInt8] {
        var request = HTTPRequest(method: .post, target: path, body: body)
        for name in ["Content-Type", "Accept"] {
            request.headers.append(name, "application/cbor")
        }
        do throws(HTTPRejection) {
            return try request.serialized(host: "server")
        } catch {
            preconditionFailure("The paths of the protocol and the host are plain names.")
        }
    }
}
