import HTTPTypes
import SkerryHTTP

extension S3Error {
    /// Where an error happened, as its document says it.
    struct Place {
        /// The decoded path, from the bucket on.
        var resource: [UInt8]
        var requestID: String
        var hostID: String
        /// A reply to HEAD has no body.
        var isHead: Bool
    }

    /// The reply: the document, except where HTTP allows none (HEAD and 304).
    func reply(at place: Place) -> HTTPReply {
        var head = HTTPResponse(status: .init(code: code.status), headerFields: fields)
        guard !place.isHead, code.status != 304 else { return HTTPReply(head) }
        head.headerFields[.contentType] = "application/xml"
        return HTTPReply(head, .bytes(document(at: place)))
    }

    private func document(at place: Place) -> [UInt8] {
        var xml = XMLWriter(capacity: 512)
        xml.open("Error")
        xml.element("Code", code.name)
        xml.element("Message", message)
        for detail in details {
            // Names of details are constants of this module and need no escaping.
            xml.put("<")
            xml.put(detail.name.utf8)
            xml.put(">")
            xml.escape(detail.text.utf8)
            xml.put("</")
            xml.put(detail.name.utf8)
            xml.put(">")
        }
        xml.element("Resource", bytes: place.resource)
        xml.element("RequestId", place.requestID)
        xml.element("HostId", place.hostID)
        xml.close("Error")
        return xml.bytes
    }
}
