// SPDX-License-Identifier: MIT

// An app that embeds the client speaks of databases, devices and cursors, and should not have to
// know which module names them.
@_exported public import SyncProtocol
