// SPDX-License-Identifier: MIT

/// One note, as it is stored and synced.
struct Note: Codable, Equatable {
    /// The collection that holds the notes.
    static let collection = "notes"

    /// What it says.
    var text: String
    /// When it was written, in milliseconds since 1970.
    var createdAt: UInt64
}
