// Printed by skerry-generate from RootCredentialRecord.swift: change that and run it again.
// swift-format-ignore-file

import SkerryCodec

extension RootCredentialMembers: SkerryCodec.Shaped {
    static let fields = SkerryCodec.Fields(
        "RootCredentialMembers",
        [
            .init("accessKey", String?.self),
            .init("secretKey", String?.self),
            .init("environmentAccessKey", String?.self),
        ], doc: "What stands in the file.")

    static var shape: SkerryCodec.Shape { .record(fields) }

    func write<W: SkerryCodec.ShapeWriter & ~Copyable>(to writer: inout W) throws(SkerryCodec.ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(accessKey, 0, in: &record)
        try writer.field(secretKey, 1, in: &record)
        try writer.field(environmentAccessKey, 2, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: SkerryCodec.ShapeReader & ~Copyable>(from reader: inout R) throws(SkerryCodec.ShapeError) -> Self {
        var record = try reader.beginRecord(fields)
        var accessKey: String??
        var secretKey: String??
        var environmentAccessKey: String??
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&accessKey, in: record)
            case 1: try reader.field(&secretKey, in: record)
            default: try reader.field(&environmentAccessKey, in: record)
            }
        }
        return try Self(
            accessKey: record.require(accessKey, 0), secretKey: record.require(secretKey, 1),
            environmentAccessKey: record.require(environmentAccessKey, 2))
    }
}
