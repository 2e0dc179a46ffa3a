"""What IHE's document sharing (XDS.b) fixes, in one place: attributes, their carriers and optionality, associations, queries, errors.

Sources: IHE ITI TF-3 4.2 (metadata, errors), 4.3 (optionality); ITI TF-2 3.18 (queries), 3.41, 3.42, 3.43 (transactions). ebRIM 3.0.
"""

from typing import NamedTuple

RIM = "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"
RS = "urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0"
LCM = "urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"
QUERY = "urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0"
XDSB = "urn:ihe:iti:xds-b:2007"

DOCUMENT, SET, FOLDER, ASSOCIATION = "DocumentEntry", "SubmissionSet", "Folder", "Association"

# ITI TF-3 4.2.5.2: @objectType of a DocumentEntry's ExtrinsicObject; 4.2.1.2 and 4.2.1.3: the classification of a RegistryPackage.
STABLE, ON_DEMAND = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1", "urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248"
SET_NODE, FOLDER_NODE = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd", "urn:uuid:d9d542f3-6cc4-48b6-8870-ea235fbc94c2"
ASSOCIATION_REASON = "urn:uuid:abd807a3-4432-4053-87b4-fd82c643d1f3"        # scheme of an association's documentation, 4.2.2.2

STATUS = "urn:oasis:names:tc:ebxml-regrep:StatusType:"
APPROVED, DEPRECATED = f"{STATUS}Approved", f"{STATUS}Deprecated"
OBJECT = "urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:"      # @objectType of packages and associations
RESPONSE = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:"
SUCCESS, FAILURE = f"{RESPONSE}Success", f"{RESPONSE}Failure"
PARTIAL = "urn:ihe:iti:2007:ResponseStatusType:PartialSuccess"
SEVERITY = "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:"
ERROR, WARNING = f"{SEVERITY}Error", f"{SEVERITY}Warning"

# Associations, 4.2.2
HAS_MEMBER = "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"
RPLC, XFRM, APND, XFRM_RPLC, SIGNS = (f"urn:ihe:iti:2007:AssociationType:{name}" for name in ("RPLC", "XFRM", "APND", "XFRM_RPLC", "signs"))
SNAPSHOT = "urn:ihe:iti:2010:AssociationType:IsSnapshotOf"
RELATIONSHIPS = {"RPLC": RPLC, "XFRM": XFRM, "APND": APND, "XFRM_RPLC": XFRM_RPLC, "signs": SIGNS, "IsSnapshotOf": SNAPSHOT}
ORIGINAL, REFERENCE = "Original", "Reference"           # slot SubmissionSetStatus of a SubmissionSet's HasMember


class Attribute(NamedTuple):
    """An attribute of a metadata object.

    name     : as the Technical Framework writes it
    carrier  : what of ebRIM holds it: "xml", "slot", "code" (a Classification), "author", "identifier" (an ExternalIdentifier), "name",
               "description", "node" (a Classification that is there or not; the value is True)
    key      : the XML attribute, the slot's name, or the UUID of the scheme or node
    many     : whether it may have several values
    needed   : who must send it: "both" (the source in ITI-41 and the repository in ITI-42), "repository" (in ITI-42 only), "" (nobody)
    form     : the data type of a value, a key of `metadata.FORMS`; "" for any text
    """

    name: str
    carrier: str
    key: str
    many: bool = False
    needed: str = ""
    form: str = ""


def _uuid(text):
    return f"urn:uuid:{text}"


# ITI TF-3 Tables 4.2.3.2-1, 4.2.3.3-1, 4.2.3.4-1 (carriers, UUIDs) and 4.3.1-3 (who must send what)
ATTRIBUTES = {
    DOCUMENT: (
        Attribute("entryUUID", "xml", "id", needed="both"),
        Attribute("logicalID", "xml", "lid"),
        Attribute("homeCommunityId", "xml", "home", form="home"),
        Attribute("availabilityStatus", "xml", "status"),
        Attribute("mimeType", "xml", "mimeType", needed="both", form="mime"),
        Attribute("objectType", "xml", "objectType", needed="both", form="document type"),
        Attribute("creationTime", "slot", "creationTime", needed="both", form="DTM"),
        Attribute("hash", "slot", "hash", needed="repository", form="SHA-1"),
        Attribute("languageCode", "slot", "languageCode", needed="both", form="language"),
        Attribute("legalAuthenticator", "slot", "legalAuthenticator", form="XCN"),
        Attribute("referenceIdList", "slot", "urn:ihe:iti:xds:2013:referenceIdList", many=True, form="CXi"),
        Attribute("repositoryUniqueId", "slot", "repositoryUniqueId", needed="repository", form="OID"),
        Attribute("serviceStartTime", "slot", "serviceStartTime", form="DTM"),
        Attribute("serviceStopTime", "slot", "serviceStopTime", form="DTM"),
        Attribute("size", "slot", "size", needed="repository", form="integer"),
        Attribute("sourcePatientId", "slot", "sourcePatientId", needed="both", form="CX"),
        Attribute("sourcePatientInfo", "slot", "sourcePatientInfo", many=True, form="field"),
        Attribute("URI", "slot", "URI", many=True),
        Attribute("title", "name", ""),
        Attribute("comments", "description", ""),
        Attribute("author", "author", _uuid("93606bcf-9494-43ec-9b4e-a7748d1a838d"), many=True),
        Attribute("classCode", "code", _uuid("41a5887f-8865-4c09-adf7-e362475b143a"), needed="both"),
        Attribute("confidentialityCode", "code", _uuid("f4f85eac-e6cb-4883-b524-f2705394840f"), many=True, needed="both"),
        Attribute("eventCodeList", "code", _uuid("2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4"), many=True),
        Attribute("formatCode", "code", _uuid("a09d5840-386c-46f2-b5ad-9c3699a4309d"), needed="both"),
        Attribute("healthcareFacilityTypeCode", "code", _uuid("f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1"), needed="both"),
        Attribute("practiceSettingCode", "code", _uuid("cccf5598-8b07-4b77-a05e-ae952c785ead"), needed="both"),
        Attribute("typeCode", "code", _uuid("f0306f51-975f-434e-a61c-c59651d33983"), needed="both"),
        Attribute("limitedMetadata", "node", _uuid("ab9b591b-83ab-4d03-8f5d-f93b1fb92e85")),
        Attribute("patientId", "identifier", _uuid("58a6f841-87b3-4a3e-92fd-a8ffeff98427"), needed="both", form="CX"),
        Attribute("uniqueId", "identifier", _uuid("2e82c1f6-a085-4c72-9da3-8640a32e42ab"), needed="both", form="document UID"),
    ),
    SET: (
        Attribute("entryUUID", "xml", "id", needed="both"),
        Attribute("homeCommunityId", "xml", "home", form="home"),
        Attribute("availabilityStatus", "xml", "status"),
        Attribute("submissionTime", "slot", "submissionTime", needed="both", form="DTM"),
        Attribute("intendedRecipient", "slot", "intendedRecipient", many=True),
        Attribute("title", "name", ""),
        Attribute("comments", "description", ""),
        Attribute("author", "author", _uuid("a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d"), many=True),
        Attribute("contentTypeCode", "code", _uuid("aa543740-bdda-424e-8c96-df4873be8500"), needed="both"),
        Attribute("limitedMetadata", "node", _uuid("5003a9db-8d8d-49e6-bf0c-990e34ac7707")),
        Attribute("patientId", "identifier", _uuid("6b5aea1a-874d-4603-a4bc-96a0a7b38446"), needed="both", form="CX"),
        Attribute("sourceId", "identifier", _uuid("554ac39e-e3fe-47fe-b233-965d2a147832"), needed="both", form="OID"),
        Attribute("uniqueId", "identifier", _uuid("96fdda7c-d067-4183-912e-bf5ee74998a8"), needed="both", form="OID"),
    ),
    FOLDER: (
        Attribute("entryUUID", "xml", "id", needed="both"),
        Attribute("logicalID", "xml", "lid"),
        Attribute("homeCommunityId", "xml", "home", form="home"),
        Attribute("availabilityStatus", "xml", "status"),
        Attribute("lastUpdateTime", "slot", "lastUpdateTime", form="DTM"),
        Attribute("title", "name", "", needed="both"),
        Attribute("comments", "description", ""),
        Attribute("codeList", "code", _uuid("1ba97051-7806-41a8-a48b-8fce7af683c5"), many=True, needed="both"),
        Attribute("limitedMetadata", "node", _uuid("2c144a76-29a9-4b7c-af54-b25409fe7d03")),
        Attribute("patientId", "identifier", _uuid("f64ffdf0-4b97-4e06-b79f-a52b38ec2f8a"), needed="both", form="CX"),
        Attribute("uniqueId", "identifier", _uuid("75df8f67-9973-4fbe-a900-df66cefecc5a"), needed="both", form="OID"),
    ),
}
NAMED = {kind: {one.name: one for one in attributes} for kind, attributes in ATTRIBUTES.items()}
FORBIDDEN_ON_DEMAND = ("creationTime", "hash", "size")      # Table 4.3.1-3, column of ITI-61
NEEDED_LIMITED = {      # the same, column "XDR MS": what an object must have that says limitedMetadata
    DOCUMENT: ("entryUUID", "mimeType", "objectType", "uniqueId"), SET: ("entryUUID", "submissionTime", "sourceId", "uniqueId"),
    FOLDER: ("entryUUID", "uniqueId")}


class Parameter(NamedTuple):
    """A parameter of a stored query.

    attribute : the attribute that it selects by; "" for one that names objects by another way
    needed    : whether the query can't be without it
    many      : whether it takes several values, which are alternatives
    repeated  : whether the slot may come again, and each must be fulfilled
    like      : whether values are patterns of SQL's LIKE
    bound     : "from" (included) or "to" (not included) of a time, else ""
    """

    attribute: str
    needed: bool = False
    many: bool = False
    repeated: bool = False
    like: bool = False
    bound: str = ""


class Query(NamedTuple):
    """A stored query of ITI-18 (ITI TF-2 3.18.4.1.2.3.7).

    id         : the UUID of AdhocQuery/@id
    finds      : what it returns: DOCUMENT, SET, FOLDER, ASSOCIATION, or "" for several kinds
    parameters : {name: Parameter}
    one_of     : names of parameters of which exactly one has to be given
    """

    id: str
    finds: str
    parameters: dict
    one_of: tuple = ()


_P = "$XDSDocumentEntry"
_FIND = {
    f"{_P}PatientId": Parameter("patientId", needed=True),
    f"{_P}Status": Parameter("availabilityStatus", needed=True, many=True),
    f"{_P}ClassCode": Parameter("classCode", many=True),
    f"{_P}TypeCode": Parameter("typeCode", many=True),
    f"{_P}PracticeSettingCode": Parameter("practiceSettingCode", many=True),
    f"{_P}HealthcareFacilityTypeCode": Parameter("healthcareFacilityTypeCode", many=True),
    f"{_P}FormatCode": Parameter("formatCode", many=True),
    f"{_P}EventCodeList": Parameter("eventCodeList", many=True, repeated=True),
    f"{_P}ConfidentialityCode": Parameter("confidentialityCode", many=True, repeated=True),
    f"{_P}AuthorPerson": Parameter("author", many=True, like=True),
    f"{_P}Type": Parameter("objectType", many=True),
    **{f"{_P}{time}{end}": Parameter(f"{time[0].lower()}{time[1:]}", bound=end.lower())
       for time in ("CreationTime", "ServiceStartTime", "ServiceStopTime") for end in ("From", "To")},
}
_UUIDS = {"$uuid": Parameter("entryUUID", needed=True, many=True)}
_NARROW = {f"{_P}FormatCode": _FIND[f"{_P}FormatCode"], f"{_P}ConfidentialityCode": _FIND[f"{_P}ConfidentialityCode"],
           f"{_P}Type": _FIND[f"{_P}Type"]}


def _named(prefix, *names, many=True):
    return {f"{prefix}{name}": Parameter({"EntryUUID": "entryUUID", "UniqueId": "uniqueId", "LogicalID": "logicalID"}[name], many=many)
            for name in names}


_DOCUMENT_IDS = _named(_P, "EntryUUID", "UniqueId")
_DOCUMENT_ID = _named(_P, "EntryUUID", "UniqueId", many=False)
QUERIES = {
    "FindDocuments": Query(_uuid("14d4debf-8f97-4251-9a74-a90016b0af0d"), DOCUMENT, _FIND),
    "FindDocumentsByReferenceId": Query(_uuid("12941a89-e02e-4be5-967c-ce4bfc8fe492"), DOCUMENT, {
        **_FIND, f"{_P}ReferenceIdList": Parameter("referenceIdList", needed=True, many=True, repeated=True, like=True)}),
    "FindSubmissionSets": Query(_uuid("f26abbcb-ac74-4422-8a30-edb644bbc1a9"), SET, {
        "$XDSSubmissionSetPatientId": Parameter("patientId", needed=True),
        "$XDSSubmissionSetStatus": Parameter("availabilityStatus", needed=True, many=True),
        "$XDSSubmissionSetSourceId": Parameter("sourceId", many=True),
        "$XDSSubmissionSetSubmissionTimeFrom": Parameter("submissionTime", bound="from"),
        "$XDSSubmissionSetSubmissionTimeTo": Parameter("submissionTime", bound="to"),
        "$XDSSubmissionSetAuthorPerson": Parameter("author", like=True),
        "$XDSSubmissionSetContentType": Parameter("contentTypeCode", many=True)}),
    "FindFolders": Query(_uuid("958f3006-baad-4929-a4de-ff1114824431"), FOLDER, {
        "$XDSFolderPatientId": Parameter("patientId", needed=True),
        "$XDSFolderStatus": Parameter("availabilityStatus", needed=True, many=True),
        "$XDSFolderLastUpdateTimeFrom": Parameter("lastUpdateTime", bound="from"),
        "$XDSFolderLastUpdateTimeTo": Parameter("lastUpdateTime", bound="to"),
        "$XDSFolderCodeList": Parameter("codeList", many=True, repeated=True)}),
    "GetAll": Query(_uuid("10b545ea-725c-446d-9b95-8aeb444eddf3"), "", {
        "$patientId": Parameter("patientId", needed=True), f"{_P}Status": Parameter("", needed=True, many=True),
        "$XDSSubmissionSetStatus": Parameter("", needed=True, many=True), "$XDSFolderStatus": Parameter("", needed=True, many=True), **_NARROW}),
    "GetDocuments": Query(_uuid("5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4"), DOCUMENT, _named(_P, "EntryUUID", "UniqueId", "LogicalID"),
                          tuple(_named(_P, "EntryUUID", "UniqueId", "LogicalID"))),
    "GetFolders": Query(_uuid("5737b14c-8a1a-4539-b659-e03a34a5e1e4"), FOLDER, _named("$XDSFolder", "EntryUUID", "UniqueId", "LogicalID"),
                        tuple(_named("$XDSFolder", "EntryUUID", "UniqueId", "LogicalID"))),
    "GetAssociations": Query(_uuid("a7ae438b-4bc2-4642-93e9-be891f7bb155"), ASSOCIATION, _UUIDS),
    "GetDocumentsAndAssociations": Query(_uuid("bab9529a-4a10-40b3-a01f-f68a615d247a"), "", _DOCUMENT_IDS, tuple(_DOCUMENT_IDS)),
    "GetSubmissionSets": Query(_uuid("51224314-5390-4169-9b91-b1980040715a"), "", _UUIDS),
    "GetSubmissionSetAndContents": Query(
        _uuid("e8e3cb2c-e39c-46b9-99e4-c12f57260b83"), "", {**_named("$XDSSubmissionSet", "EntryUUID", "UniqueId", many=False), **_NARROW},
        tuple(_named("$XDSSubmissionSet", "EntryUUID", "UniqueId"))),
    "GetFolderAndContents": Query(
        _uuid("b909a503-523d-4517-8acf-8e5834dfc4c7"), "", {**_named("$XDSFolder", "EntryUUID", "UniqueId", many=False), **_NARROW},
        tuple(_named("$XDSFolder", "EntryUUID", "UniqueId"))),
    "GetFoldersForDocument": Query(_uuid("10cae35a-c7f9-4cf5-b61e-fc3278ffb578"), FOLDER, _DOCUMENT_ID, tuple(_DOCUMENT_ID)),
    "GetRelatedDocuments": Query(_uuid("d90e5407-b356-4d91-a89f-873917b4b0e6"), "", {
        **_DOCUMENT_ID, "$AssociationTypes": Parameter("", needed=True, many=True), f"{_P}Type": _FIND[f"{_P}Type"]}, tuple(_DOCUMENT_ID)),
}
QUERY_NAMES = {query.id: name for name, query in QUERIES.items()}

# Transactions: wsa:Action of the request and of the answer
ACTIONS = {
    "ITI-41": ("urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b", "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-bResponse"),
    "ITI-42": ("urn:ihe:iti:2007:RegisterDocumentSet-b", "urn:ihe:iti:2007:RegisterDocumentSet-bResponse"),
    "ITI-18": ("urn:ihe:iti:2007:RegistryStoredQuery", "urn:ihe:iti:2007:RegistryStoredQueryResponse"),
    "ITI-43": ("urn:ihe:iti:2007:RetrieveDocumentSet", "urn:ihe:iti:2007:RetrieveDocumentSetResponse"),
    "ITI-38": ("urn:ihe:iti:2007:CrossGatewayQuery", "urn:ihe:iti:2007:CrossGatewayQueryResponse"),
    "ITI-39": ("urn:ihe:iti:2007:CrossGatewayRetrieve", "urn:ihe:iti:2007:CrossGatewayRetrieveResponse"),
    "RAD-69": ("urn:ihe:rad:2009:RetrieveImagingDocumentSet", "urn:ihe:iti:2007:RetrieveDocumentSetResponse"),
}
TRANSACTION_OF = {asked: name for name, (asked, _) in ACTIONS.items()}
PACKAGED = ("ITI-41", "ITI-43", "ITI-39")               # go as MTOM packages, both ways (ITI TF-2 V.8)

ERRORS = {              # ITI TF-3 Table 4.2.4.1-2: code, what it says, and the transactions whose answers may hold it
    "DocumentQueued": ("a document will be processed later (a warning)", "41"),
    "InvalidDocumentContent": ("a document is not what its metadata say, or not what the recipient can take", "41"),
    "PartialAppendContentNotProcessed": ("that a document is an addendum was not processed (a warning)", "41"),
    "PartialFolderContentNotProcessed": ("folders were not processed (a warning)", "41"),
    "PartialRelationshipContentNotProcessed": ("a relationship was not processed (a warning)", "41"),
    "PartialReplaceContentNotProcessed": ("that a document replaces another was not processed (a warning)", "41"),
    "PartialTransformNotProcessed": ("that a document is a transformation was not processed (a warning)", "41"),
    "PartialTransformReplaceNotProcessed": ("that a transformation replaces another document was not processed (a warning)", "41"),
    "UnavailableRecipient": ("an intendedRecipient can't be reached", "41"),
    "UnknownRecipient": ("an intendedRecipient is not known here", "41"),
    "UnresolvedReferenceException": ("a reference to an object that is neither in the submission nor in the registry", "41 42"),
    "XDSDocumentUniqueIdError": ("the document is not known here, or no longer available", "43 39"),
    "XDSDuplicateUniqueIdInRegistry": ("the uniqueId of a submission set or folder is taken", "41 42"),
    "XDSExtraMetadataNotSaved": ("metadata beyond the profile's were not kept (a warning)", "41 42"),
    "XDSMissingDocument": ("metadata without their document", "41"),
    "XDSMissingDocumentMetadata": ("a document without its metadata", "41"),
    "XDSMissingHomeCommunityId": ("homeCommunityId is needed and missing", "18 43 38 39"),
    "XDSNonIdenticalHash": ("the registry has another hash under this uniqueId", "41 42"),
    "XDSNonIdenticalSize": ("the registry has another size under this uniqueId", "41 42"),
    "XDSPatientIdDoesNotMatch": ("patient IDs that should be the same are not", "41 42"),
    "XDSRegistryBusy": ("too much to do just now", "41 42 18 38"), "XDSRepositoryBusy": ("too much to do just now", "41 43 39"),
    "XDSRegistryDeprecatedDocumentError": ("the document that is replaced, appended to or transformed is not Approved", "41 42"),
    "XDSRegistryDuplicateUniqueIdInMessage": ("a uniqueId comes twice in the submission", "41 42"),
    "XDSRepositoryDuplicateUniqueIdInMessage": ("a uniqueId comes twice in the submission", "41 42"),
    "XDSRegistryError": ("the registry failed", "41 42 18 38"), "XDSRepositoryError": ("the repository failed", "41 43 39"),
    "XDSRegistryMetadataError": ("metadata are missing or wrong, the registry says", "41 42"),
    "XDSRepositoryMetadataError": ("metadata are missing or wrong, the repository says", "41 42"),
    "XDSRegistryNotAvailable": ("the repository can't reach the registry", "41"),
    "XDSRegistryOutOfResources": ("no room left", "41 42 18 38"), "XDSRepositoryOutOfResources": ("no room left", "41 43 39"),
    "XDSResultNotSinglePatient": ("the answer would concern several patients", "18 43 38 39"),
    "XDSStoredQueryMissingParam": ("a parameter that the query needs is missing", "18 38"),
    "XDSStoredQueryParamNumber": ("a parameter has several values and takes one, or excludes another", "18 38"),
    "XDSTooManyResults": ("the answer would be too long", "18 38"),
    "XDSUnavailableCommunity": ("a community did not answer", "18 43"), "XDSUnknownCommunity": ("no such homeCommunityId", "18 38 43 39"),
    "XDSUnknownPatientId": ("the patient ID is not known", "41 42 38"),
    "XDSUnknownRepositoryId": ("no such repositoryUniqueId here", "43 39"),
    "XDSUnknownStoredQuery": ("no stored query of this ID", "18 38"),
}
