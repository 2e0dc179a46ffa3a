"""What the tests of live systems share."""

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

CT = "1.2.840.10008.5.1.4.1.1.2"


def ct(number=1, study="2.999.7", **attributes):
    """A small CT image of an invented patient, ready to be sent."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = CT, f"{study}.1.{number}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, f"{study}.1"
    dataset.PatientName, dataset.PatientID, dataset.PatientSex = "TESTER^TINA", "HV100001", "F"
    dataset.StudyDate, dataset.StudyTime, dataset.AccessionNumber = "20250407", "073000", "A2504070001"
    dataset.Modality, dataset.SeriesNumber, dataset.InstanceNumber = "CT", 1, number
    dataset.Rows = dataset.Columns = 16
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.add_new("PixelData", "OW", bytes(512))
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset
