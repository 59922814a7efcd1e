// SPDX-License-Identifier: MIT

import Foundation

// The codec's speed next to that of others, in one run: each pass runs our rows and then each
// peer's on the same corpus, so that what else the machine does strikes all of them.
do {
    let options = try Options(CommandLine.arguments.dropFirst())
    if let door = options.memoryDoor {
        try MemoryRows.measure(door, options.folder).map { print($0) }
        exit(0)
    }
    let corpora = try Corpora(in: options.folder)
    let ownRows = try OwnRows(corpora)
    var results = Results()
    for pass in 1...options.passes {
        FileHandle.standardError.write(Data("pass \(pass) of \(options.passes)\n".utf8))
        for (row, milliseconds) in try ownRows.measure(rounds: options.rounds, only: options.row) {
            results.add(milliseconds, row: row, of: Results.own)
        }
        for peer in options.peers where options.row == nil {
            for (row, milliseconds) in try peer.measure(corpora, rounds: options.rounds) {
                results.add(milliseconds, row: row, of: peer.name)
            }
        }
    }
    if options.row == nil { results.memory = try MemoryRows(corpora).measure() }
    print(options.isJSON ? results.json : results.table)
} catch {
    FileHandle.standardError.write(Data("cbor-bench: \(error)\n".utf8))
    exit(error is Options.Fault ? 64 : 1)
}
