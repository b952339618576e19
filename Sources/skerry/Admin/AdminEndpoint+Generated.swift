// Printed by skerry-generate from AdminEndpoint.swift: change that and run it again.
// swift-format-ignore-file

import SkerryCodec

extension AdminEndpointRecord: SkerryCodec.Shaped {
    static let fields = SkerryCodec.Fields(
        "AdminEndpointRecord",
        [
            .init("address", String.self),
            .init("token", String.self),
        ], doc: "What stands in the file.")

    static var shape: SkerryCodec.Shape { .record(fields) }

    func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(address, 0, in: &record)
        try writer.field(token, 1, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
        var record = try reader.beginRecord(fields)
        var address: String?
        var token: String?
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&address, in: record)
            default: try reader.field(&token, in: record)
            }
        }
        return try Self(address: record.require(address, 0), token: record.require(token, 1))
    }
}
