// SPDX-License-Identifier: MIT

#if canImport(COpenSSL)
    import COpenSSL
    import Cryptography
    import SyncTestSupport
    import Testing

    /// The server's end of TLS, without sockets.
    @Suite struct TLSSessionTests {
        private let folder: CertificateFolder
        private let context: TLSServerContext

        init() throws {
            folder = try CertificateFolder()
            let path = try folder.make("server")
            context = try TLSServerContext(certificate: path, key: path)
        }

        private func session() throws -> TLSSession { try #require(TLSSession(context)) }

        @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
        func whatIsSaidArrivesHoweverItIsCut(version: CInt) throws {
            let client = try MemoryClient(version: version)
            let session = try session()
            #expect(session.shakeHands(with: client) == .open)
            #expect(session.isEstablished && client.isEstablished)

            let question = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8) }
            client.write(question)
            var heard: [UInt8] = []
            for byte in client.takeOutput() { heard += session.receive([byte]).plaintext }
            #expect(heard == question)

            let answer = Array(question.reversed().prefix(TLSSession.encryptBytesMax))
            #expect(answer.withUnsafeBytes { session.encrypt($0) })
            #expect(client.read(session.takeOutput()) == answer)
        }

        @Test func eachEndHearsThatTheOtherEnds() throws {
            let client = try MemoryClient()
            let session = try session()
            _ = session.shakeHands(with: client)

            session.endSending()
            #expect(client.read(session.takeOutput()) == [])
            #expect(SSL_get_shutdown(client.session) == SSL_RECEIVED_SHUTDOWN)
            SSL_shutdown(client.session)
            #expect(session.receive(client.takeOutput()).outcome == .ended)
        }

        @Test func beforeTLS12NothingIsAgreedOn() throws {
            let client = try MemoryClient(version: TLS1_1_VERSION)
            let session = try session()

            #expect(session.shakeHands(with: client) == .failed)
            #expect(!session.isEstablished)
        }

        @Test(arguments: [
            (["h2", "http/1.1"], true), (["http/1.1"], true), ([], true), (["h2"], false),
            (["http/1.10"], false),
        ])
        func onlyHTTP11IsAgreedOn(offered: [String], isTaken: Bool) throws {
            let client = try MemoryClient(protocols: offered)
            let session = try session()

            #expect(session.shakeHands(with: client) == (isTaken ? .open : .failed))
            var name: UnsafePointer<UInt8>?
            var count: CUnsignedInt = 0
            SSL_get0_alpn_selected(client.session, &name, &count)
            let chosen = UnsafeBufferPointer(start: name, count: Int(count))
            #expect(Array(chosen) == (isTaken && !offered.isEmpty ? Array("http/1.1".utf8) : []))
        }

        @Test func aHandshakeThatIsCutShortIsWaitedFor() throws {
            let client = try MemoryClient()
            _ = client.read()
            let hello = client.takeOutput()
            for count in 0..<hello.count {
                let session = try session()
                #expect(session.receive(Array(hello[..<count])).outcome == .open)
                #expect(!session.isEstablished && session.unsentCount == 0)
            }
        }

        @Test(arguments: 0..<200 as Range<UInt64>) func garbageEndsTheSession(seed: UInt64) throws {
            var generator = SeededGenerator(seed: seed)
            let session = try session()
            // Every other one begins as a record does.
            var bytes: [UInt8] = seed % 2 == 0 ? [] : [22, 3, 1, 0, 200]
            bytes += (0..<5_000).map { _ in UInt8.random(in: .min ... .max, using: &generator) }

            #expect(session.receive(bytes).outcome == .failed)
            #expect(session.unsentCount < 100)
            _ = session.takeOutput()
            #expect(session.receive(bytes).outcome == .failed)
            #expect(session.unsentCount == 0)
            #expect(!bytes.prefix(10).withUnsafeBytes { session.encrypt($0) })
        }

        @Test func renegotiationIsRefused() throws {
            let client = try MemoryClient(version: TLS1_2_VERSION)
            let session = try session()
            _ = session.shakeHands(with: client)

            SSL_renegotiate(client.session)
            SSL_do_handshake(client.session)
            let heard = session.receive(client.takeOutput())

            #expect(heard.plaintext == [])
            // An alert, and no handshake.
            #expect((1..<100).contains(session.unsentCount))
            #expect(session.takeOutput().first == 21)
        }

        @Test func whoOnlyAsksForNewKeysIsToReadFirst() throws {
            let client = try MemoryClient()
            let session = try session()
            _ = session.shakeHands(with: client)
            _ = client.read(session.takeOutput())

            var roundCount = 0
            while !session.isCongested && roundCount < 100_000 {
                SSL_key_update(client.session, SSL_KEY_UPDATE_REQUESTED)
                SSL_do_handshake(client.session)
                guard session.receive(client.takeOutput()).outcome == .open else { break }
                roundCount += 1
            }

            #expect(roundCount < 100_000)
            #expect(session.unsentCount < 128 * 1024)
        }
    }

    /// The files of a certificate.
    @Suite struct TLSServerContextTests {
        private let folder: CertificateFolder

        init() throws { folder = try CertificateFolder() }

        @Test func aFileThatCannotBeUsedIsNamed() throws {
            let good = try folder.make("good")
            let cases = [
                (folder.path + "/none", good, "none cannot be read: No such file"),
                (good, folder.path + "/none", "none cannot be read: No such file"),
                (try folder.write("garbage", to: "bad"), good, "bad does not begin with a cert"),
                (good, try folder.write("garbage", to: "bad.key"), "bad.key holds no key"),
                (good, try folder.make("locked", password: "secret"), "locked.pem holds no key"),
                (good, try folder.make("other"), "other.pem does not belong to the certificate in"),
            ]
            for (certificate, key, words) in cases {
                let error = #expect(throws: TLSError.self) {
                    try TLSServerContext(certificate: certificate, key: key)
                }
                #expect(error?.description.contains(words) ?? false, "\(error?.description ?? "")")
            }
        }
    }
#endif
