"""How many images a second the archive takes from DCMTK's storescu, beside storescp and Orthanc, one after the other.

    TCP_NODELAY=1 python benchmarks/archive.py

512 x 512 pixels of 16 bit, 525 kB each, over one association. Ours and Orthanc have each on the disk and in the index before they answer; storescp
writes files alone. What is not installed is left out. Without TCP_NODELAY the pause of TCP's delayed acknowledgements is what is measured.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from coursekit.systems.archive import Archive

IMAGES, ROUNDS = 300, 3


def make_images(folder):
    """Files of one invented CT series."""
    pixels = np.random.default_rng(1).integers(0, 4096, (512, 512)).astype("<u2").tobytes()
    for number in range(1, IMAGES + 1):
        image = Dataset()
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image.SOPClassUID, image.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", f"2.999.9.1.{number}"
        image.StudyInstanceUID, image.SeriesInstanceUID, image.InstanceNumber = "2.999.9", "2.999.9.1", number
        image.PatientName, image.PatientID, image.Modality, image.StudyDate = "TESTER^LOAD", "HV100001", "CT", "20250407"
        image.Rows, image.Columns, image.BitsAllocated, image.BitsStored, image.HighBit = 512, 512, 16, 12, 11
        image.PixelRepresentation, image.SamplesPerPixel, image.PhotometricInterpretation = 0, 1, "MONOCHROME2"
        image.add_new("PixelData", "OW", pixels)
        image.save_as(folder / f"{number}.dcm", enforce_file_format=True)


def images_a_second(folder, port, title):
    """How many images a second storescu gets rid of."""
    start = time.perf_counter()
    subprocess.run(["storescu", "-aec", title, "127.0.0.1", str(port), "+sd", str(folder)], check=True, capture_output=True)
    return IMAGES / (time.perf_counter() - start)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def beside(command, port, folder, title):
    """Measure a program that listens on a port."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        return images_a_second(folder, port, title)
    finally:
        process.kill()
        process.wait()


def main():
    if not shutil.which("storescu"):
        sys.exit("DCMTK's storescu is not installed.")
    with tempfile.TemporaryDirectory() as room:
        folder = Path(room) / "images"
        folder.mkdir()
        make_images(folder)
        for _ in range(ROUNDS):
            with Archive() as archive:
                found = [f"archive {images_a_second(folder, archive.port, archive.title):7.0f}"]
            if shutil.which("storescp"):
                port, out = free_port(), tempfile.mkdtemp(dir=room)
                found.append(f"storescp {beside(['storescp', '-od', out, str(port)], port, folder, 'STORESCP'):7.0f}")
            if shutil.which("Orthanc"):
                port, out = free_port(), tempfile.mkdtemp(dir=room)
                settings = Path(out) / "settings.json"
                settings.write_text(json.dumps({
                    "StorageDirectory": out, "IndexDirectory": out, "DicomPort": port, "HttpServerEnabled": False, "DicomAlwaysAllowStore": True,
                    "DicomCheckCalledAet": False, "Plugins": []}), encoding="utf-8")
                found.append(f"Orthanc {beside(['Orthanc', str(settings)], port, folder, 'ORTHANC'):7.0f}")
            print("   ".join(found), "images/s" if os.environ.get("TCP_NODELAY") == "1" else "images/s (set TCP_NODELAY=1)", flush=True)


if __name__ == "__main__":
    main()
