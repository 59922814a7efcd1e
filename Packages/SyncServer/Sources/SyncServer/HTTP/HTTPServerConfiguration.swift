// SPDX-License-Identifier: MIT

import HTTPWire

/// Where an `HTTPServer` listens and what it grants a peer.
struct HTTPServerConfiguration: Sendable {
    /// An IPv4 or IPv6 literal, or `localhost`, which is 127.0.0.1.
    var host = "127.0.0.1"
    /// The port; 0 takes a free one.
    var port: UInt16 = 0
    /// Sizes of head and body.
    var limits = HTTPLimits()
    /// From the first byte of a request to the end of its headers. Then 408, closed.
    var headerTimeout = Duration.seconds(10)
    /// From the end of the headers to the end of the body. Then 408, closed, unless the body
    /// came at `minBytesPerSecond` or more up to now.
    var bodyTimeout = Duration.seconds(30)
    /// The rate at which a body may take longer than `bodyTimeout`, and an answer longer than
    /// `idleTimeout` to be read.
    var minBytesPerSecond = 16 * 1024
    /// Without a byte of a request, or with an answer that the peer does not read. Then closed.
    var idleTimeout = Duration.seconds(75)
    /// Connections at a time. Further ones are answered 503 and closed.
    var maxConnections = 10_000
    /// Bytes of answers that a connection holds unsent before its next request is taken.
    var maxUnsentBytes = 1024 * 1024
    /// After a refusal or the last answer: for how long what the peer still sends is read and
    /// thrown away, so that the answer is not lost to a reset.
    var lingerTimeout = Duration.seconds(2)
    /// How much of it is read at most: two bodies of the default limit.
    var maxLingerBytes = 32 * 1024 * 1024
    /// After `stop()`: how long requests in process may take before they are given up.
    var shutdownGrace = Duration.seconds(10)

    /// The protocol's defaults, on a free port of the loopback interface.
    init() {}

    /// The protocol's defaults on `host` and `port`.
    init(host: String, port: UInt16, limits: HTTPLimits = HTTPLimits()) {
        self.host = host
        self.port = port
        self.limits = limits
    }
}
