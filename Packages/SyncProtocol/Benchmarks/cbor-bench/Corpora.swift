// SPDX-License-Identifier: MIT

import Foundation

/// Both corpora, here and in files that peers read.
struct Corpora {
    static let operationCount = 10_000

    let short = Corpus(count: operationCount, names: .short)
    let long = Corpus(count: operationCount, names: .long)
    let shortPath: String
    let longPath: String

    /// Writes the files into a folder, which is made if it is not there.
    init(in folder: String) throws {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        shortPath = folder + "/operations.cbor"
        longPath = folder + "/operations-long-names.cbor"
        try Data(short.bytes).write(to: URL(fileURLWithPath: shortPath))
        try Data(long.bytes).write(to: URL(fileURLWithPath: longPath))
    }
}
