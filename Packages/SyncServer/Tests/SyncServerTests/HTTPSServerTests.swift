// SPDX-License-Identifier: MIT

#if canImport(COpenSSL)
    import Cryptography
    import Foundation
    import SyncTestSupport
    import Synchronization
    import Testing

    @testable import SyncServer

    /// The server with TLS, over real sockets.
    @Suite(.timeLimit(.minutes(2))) struct HTTPSServerTests {
        private let folder: CertificateFolder
        private let path: String

        init() throws {
            _ = signal(SIGPIPE, SIG_IGN)
            folder = try CertificateFolder()
            path = try folder.make("server")
        }

        private func start(_ headerTimeout: Duration = .seconds(60)) throws -> RunningServer {
            var configuration = HTTPServerConfiguration()
            configuration.headerTimeout = headerTimeout
            return try RunningServer(
                configuration,
                certificate: ServerCertificate(path, key: path, tell: { _ in }))
        }

        private func connect(
            _ server: RunningServer, trusting authorities: String? = nil
        ) throws -> Connection { try Connection(server.connect(), authorities ?? path) }

        private struct Connection {
            let raw: RawClient
            let client: TLSClient

            init(_ raw: RawClient, _ authorities: String) throws {
                self.raw = raw
                client = try TLSClient(raw.descriptor, host: "localhost", authorities: authorities)
            }

            /// Asks, and reads `count` bytes of body; `nil` for all there is until the end.
            func get(_ target: String, bodyBytes: Int?) -> [UInt8] {
                let close = bodyBytes == nil ? "Connection: close\r\n" : ""
                _ = client.send(Array("GET \(target) HTTP/1.1\r\nHost: a\r\n\(close)\r\n".utf8))
                var bytes: [UInt8] = []
                var bodyStart: Int?
                while true {
                    if bodyStart == nil {
                        bodyStart = bytes.indices.first {
                            bytes[$0...].starts(with: "\r\n\r\n".utf8)
                        }.map { $0 + 4 }
                    }
                    if let bodyStart, let bodyBytes, bytes.count >= bodyStart + bodyBytes { break }
                    guard let more = client.receive(bytesMax: 65_536), !more.isEmpty else { break }
                    bytes += more
                }
                return Array(bytes[(bodyStart ?? bytes.count)...])
            }
        }

        @Test func answersOfAllSizesArriveWhole() throws {
            let server = try start()
            defer { server.stop() }
            let connection = try connect(server)
            for count in [0, 1, 16_383, 16_384, 16_385, 65_537, 3_000_000] {
                let body = connection.get("/large?\(count)", bodyBytes: count)
                #expect(body == ScriptedHandler.largeBody(count))
            }
        }

        @Test func theLastAnswerEndsTheSession() throws {
            let server = try start()
            defer { server.stop() }
            let connection = try connect(server)

            #expect(connection.get("/last", bodyBytes: nil) == Array("/last".utf8))
            // Not cut off: the end was said.
            #expect(connection.client.receive(bytesMax: 10) == [])
        }

        @Test func plainHTTPIsToldToSpeakTLS() throws {
            let server = try start()
            defer { server.stop() }
            let client = try server.connect()
            try client.get("/")

            let response = try client.response()
            #expect(response.status == 400)
            #expect(response.text.contains("https://"))
            #expect(try client.rest() == "")
        }

        @Test func garbageHarmsNobodyElse() throws {
            let server = try start()
            defer { server.stop() }
            let other = try connect(server)
            for seed in 0..<50 as Range<UInt64> {
                var generator = SeededGenerator(seed: seed)
                let client = try server.connect()
                try client.send(
                    [22, 3, 1] + (0..<300).map { _ in .random(in: 0...255, using: &generator) })
                client.endSending()
                _ = try? client.rest()
            }
            #expect(other.get("/other", bodyBytes: 6) == Array("/other".utf8))
        }

        @Test func aHandshakeThatDoesNotComeIsNotWaitedForLong() throws {
            let server = try start(.milliseconds(50))
            defer { server.stop() }
            let silent = try server.connect()
            let slow = try server.connect()
            try slow.send([22, 3, 1])

            #expect(try silent.rest() == "")
            #expect(try slow.rest() == "")
        }

        @Test func aNewCertificateHoldsForNewConnections() throws {
            let server = try start()
            defer { server.stop() }
            let old = try connect(server)
            let oldPath = try folder.make("old")
            try? FileManager.default.removeItem(atPath: oldPath)
            try FileManager.default.copyItem(atPath: path, toPath: oldPath)
            try FileManager.default.removeItem(atPath: path)
            _ = try folder.make("server")

            // Looked at once a second: until then the old one is shown.
            var tryCount = 0
            while (try? connect(server)) == nil && tryCount < 100_000 { tryCount += 1 }
            #expect(throws: TLSError.self) { try connect(server, trusting: oldPath) }
            #expect(old.get("/old", bodyBytes: 4) == Array("/old".utf8))
        }

        @Test func aCertificateThatCannotBeUsedLeavesTheOldOne() throws {
            let told = Mutex<[String]>([])
            let certificate = try ServerCertificate(
                path, key: path, tell: { text in told.withLock { $0.append(text) } })
            let context = certificate.context
            certificate.follow(at: 0)
            #expect(told.withLock { $0 } == [])

            _ = try folder.write("garbage", to: "server.pem")
            certificate.follow(at: 999_999_999)
            #expect(told.withLock { $0 } == [])
            certificate.follow(at: 2_000_000_000)
            #expect(certificate.context === context)
            #expect(told.withLock { $0.last ?? "" }.contains("stays in force"))

            _ = try folder.make("server")
            certificate.follow(at: 4_000_000_000)
            #expect(certificate.context !== context)
            #expect(told.withLock { $0.count } == 2)
        }
    }
#endif
