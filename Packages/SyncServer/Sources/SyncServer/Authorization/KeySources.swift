// SPDX-License-Identifier: MIT

import Cryptography
import RecordLog

/// The places that the keys of `--auth jwt` come from, and the keys that they gave last.
struct KeySources {
    /// A file with keys.
    private struct Source {
        enum Form { case secret, publicKey, keySet }

        let form: Form
        var file: WatchedFile
        var keys: [TokenKey] = []
    }

    private var sources: [Source] = []

    init(_ settings: AccessSettings) {
        let files: [(Source.Form, String)] = [
            (.secret, settings.secretFile), (.publicKey, settings.publicKeyFile),
            (.keySet, settings.keySetIsAddress ? "" : settings.keySet),
        ]
        sources = files.filter { !$0.1.isEmpty }
            .map { Source(form: $0.0, file: WatchedFile($0.1)) }
    }

    var files: [String] { sources.map(\.file.path) }

    /// All keys that were read.
    var keys: TokenKeys { TokenKeys(keys: sources.flatMap(\.keys)) }

    /// Reads what has changed.
    ///
    /// - Parameter isForced: Whether to read everything.
    /// - Returns: Whether anything was read.
    /// - Throws: `KeySourceError` that names the file; its old keys stay, and it is read again when
    ///   it changes.
    mutating func read(
        isForced: Bool, tell: (String) -> Void
    ) throws(KeySourceError) -> Bool {
        var hasRead = false
        for index in sources.indices {
            guard sources[index].file.takeChange() || isForced else { continue }
            let path = sources[index].file.path
            let old = sources[index].keys
            do throws(KeySourceError) {
                sources[index].keys = try Self.keys(in: path, sources[index].form)
                if let ambiguity = keys.ambiguity {
                    sources[index].keys = old
                    throw KeySourceError(description: ambiguity)
                }
            } catch {
                throw KeySourceError(description: "\(path): \(error)")
            }
            if sources[index].form == .secret, FileStamp.of(path)?.isShared ?? false {
                tell("\(path) can be read by others than its owner; chmod 600 keeps it a secret.")
            }
            hasRead = true
        }
        return hasRead
    }

    private static func keys(
        in path: String, _ form: Source.Form
    ) throws(KeySourceError) -> [TokenKey] {
        let bytes = try readFile(path, bytesMax: JSONWebKeySet.bytesMax)
        switch form {
        case .keySet: return try JSONWebKeySet.keys(in: bytes)
        case .secret:
            guard let key = TokenKey(secret: secret(in: bytes)) else {
                throw KeySourceError(
                    description: "A secret has at least \(TokenKey.secretBytesMin) bytes. Make "
                        + "one: openssl rand -hex 32")
            }
            return [key]
        case .publicKey:
            do throws(PublicKeyError) { return [TokenKey(try PublicKey(pem: bytes))] } catch {
                throw KeySourceError(description: error.description)
            }
        }
    }

    /// The secret that a file holds: its bytes, without the line end behind a line of text.
    static func secret(in bytes: [UInt8]) -> [UInt8] {
        var text = bytes[...]
        if text.last == UInt8(ascii: "\n") { text = text.dropLast() }
        if text.last == UInt8(ascii: "\r") { text = text.dropLast() }
        return text.allSatisfy { 0x20...0x7E ~= $0 } ? Array(text) : bytes
    }
}

/// The bytes of a file that has to be there.
func readFile(_ path: String, bytesMax: Int) throws(KeySourceError) -> [UInt8] {
    do throws(FileSystemError) {
        let bytes = try AtomicFile.read(path, on: POSIXFileSystem(), bytesMax: bytesMax)
        if let bytes { return bytes }
    } catch {
        throw KeySourceError(description: error.description)
    }
    throw KeySourceError(description: "There is no such file.")
}
