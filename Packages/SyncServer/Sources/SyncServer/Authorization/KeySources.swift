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
    private var published: PublishedKeySet?

    init(_ settings: AccessSettings) {
        let files: [(Source.Form, String)] = [
            (.secret, settings.secretFile), (.publicKey, settings.publicKeyFile),
            (.keySet, settings.keySetIsAddress ? "" : settings.keySet),
        ]
        sources = files.filter { !$0.1.isEmpty }
            .map { Source(form: $0.0, file: WatchedFile($0.1)) }
        if settings.keySetIsAddress {
            published = KeySetAddress(settings.keySet).map { PublishedKeySet($0) }
        }
    }

    /// Where the keys come from, for people.
    var places: String {
        (sources.map(\.file.path) + (published.map { [$0.address.text] } ?? []))
            .joined(separator: ", ")
    }

    /// All keys that were read.
    var keys: TokenKeys {
        TokenKeys(keys: sources.flatMap(\.keys) + (published?.keys ?? []))
    }

    /// Fetches the published keys, and waits for them, ten seconds at most.
    mutating func fetch(tell: (String) -> Void) {
        published?.fetchNow()
        _ = takeFetched(tell: tell)
    }

    /// Has the published keys fetched if it is time to, and takes over what was fetched.
    ///
    /// - Parameters:
    ///   - wantsNew: Whether somebody came with a key that is not there.
    ///   - now: In monotonic nanoseconds.
    /// - Returns: Whether the keys are others now.
    mutating func follow(wantsNew: Bool, now: UInt64, tell: (String) -> Void) -> Bool {
        published?.beginFetchIfDue(wantsNew: wantsNew, at: now)
        return takeFetched(tell: tell)
    }

    private mutating func takeFetched(tell: (String) -> Void) -> Bool {
        guard let bytes = published?.takeFetched() else { return false }
        let old = published?.keys ?? []
        do throws(KeySourceError) {
            published?.keys = try JSONWebKeySet.keys(in: try bytes.get())
            if let ambiguity = keys.ambiguity {
                published?.keys = old
                throw KeySourceError(description: ambiguity)
            }
            return published?.keys.map(\.name) != old.map(\.name)
        } catch {
            tell(
                "\(published?.address.text ?? ""): \(error) "
                    + (old.isEmpty
                        ? "No token is taken by its keys until it can be had."
                        : "What was read before stays in force."))
            return false
        }
    }

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
                        + "one: head -c 32 /dev/urandom | base64")
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
