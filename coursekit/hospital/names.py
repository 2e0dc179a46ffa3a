"""Names for invented people, from the languages one hears in a port town, and the archive's search form of a name."""

import re

# One line per language: family names, given names of women, given names of men. Composed for the course.
LANGUAGES = tuple(tuple(tuple(part.split()) for part in line) for line in (
    ("Visser Dekker Brouwer Kuipers Hoekstra Veenstra Postma Bosma Terpstra Wijnands Zwart Kramer Mulder Scholten",
     "Anneke Marijke Sanne Femke Ilse Hanneke Lotte Tessa Wilma Roos", "Pieter Joost Sander Bram Gijs Ruben Wouter Klaas"),
    ("Harding Ashworth Pemberton Whitlock Sadler Thornhill Barlow Fenwick Rowntree Loxley Cartwright Marsh",
     "Margaret Joan Hazel Beatrice Rosalind Edith Phoebe Audrey", "Alfred Gordon Leonard Rupert Cyril Douglas Percy Edwin"),
    ("Keller Brandt Vogel Lindner Krüger Schäfer Böhm Weiß Hartmann Seidel Köhler Ziegler",
     "Ursula Heike Gisela Petra Käthe Renate Birgit Jutta", "Jürgen Dieter Holger Uwe Günther Rainer Konrad Matthias"),
    ("Silva Ferreira Carvalho Nuñez Ibáñez Quintana Peña Salgado Moreira Benítez Castaño Rocha",
     "Inés Lucía Graça Pilar Mercedes Conceição Noelia Beatriz", "Marco Joaquín Álvaro Tomás João Rui Esteban Ramón"),
    ("Rossi Bellini Caruso Marchetti Fontana Lombardi Vitale Serra Damiani Pagano",
     "Giulia Chiara Ornella Silvana Teresa Fiorella Nicoletta", "Enzo Dario Silvio Ettore Renzo Massimo Ugo"),
    ("Nguyen Tran Pham Hoang Vu Dang Bui Do Ngo Duong",
     "Linh Huong Lan Thuy Mai Hanh Trang Nga", "Minh Tuan Hung Duc Quang Long Khanh Phong"),
    ("Haddad Yilmaz Kaya Demir Mansour Aziz Benali Saleh Toprak Rahimi",
     "Leyla Fatma Amina Zeynep Samira Nour Emine Yasmin", "Yusuf Karim Mehmet Tarek Hakan Omar Selim Bilal"),
    ("Kowalska Nowak Wieczorek Zielinska Mazur Wrona Lis Kubiak Pawlak Sikora",
     "Agnieszka Halina Danuta Zofia Bozena Irena Kinga", "Zbigniew Marek Tadeusz Piotr Kazimierz Wojciech Jacek"),
    ("Okafor Oyelaran Adeyemi Eze Mensah Boateng Diallo Nwosu Abiola Traore",
     "Temi Ngozi Amara Folake Efua Adaeze Mariam Yetunde", "Daniel Chidi Kwame Emeka Tunde Kofi Sekou Obinna"),
    ("Lindqvist Bergström Håkansson Sørensen Østergaard Nyström Løvgren Dahlberg Myhre Åkesson",
     "Astrid Ingrid Sigrid Maja Solveig Tove Gunilla", "Erik Anders Jørgen Lars Nils Håkon Søren Göran"),
))

# Written with more than one script: (as received, sex). The first group is alphabetic, as DICOM PN wants it.
OTHER_SCRIPTS = (
    ("MORIYAMA^HARUKA=森山^春香=もりやま^はるか", "F"), ("WANG^JIANGUO=王^建国", "M"), ("KIM^MINJI=김^민지", "F"),
    ("SOKOLOVA^VERA=Соколова^Вера", "F"), ("PAPADAKIS^NIKOS=Παπαδάκης^Νίκος", "M"),
    ("KUROKAWA^KENJI=黒川^健二=くろかわ^けんじ", "M"), ("LI^XIUYING=李^秀英", "F"), ("BONDAR^TARAS=Бондар^Тарас", "M"),
)

# Letters that the search form spells without their accents.
PLAIN = str.maketrans({
    "À": "A", "Á": "A", "Â": "A", "Ã": "A", "Ä": "A", "Å": "A", "Ç": "C", "È": "E", "É": "E", "Ê": "E", "Ë": "E",
    "Ì": "I", "Í": "I", "Î": "I", "Ï": "I", "Ñ": "N", "Ò": "O", "Ó": "O", "Ô": "O", "Õ": "O", "Ö": "O", "Ø": "O",
    "Ù": "U", "Ú": "U", "Û": "U", "Ü": "U", "Ý": "Y", "Æ": "AE",
})


def search_form(name):
    """`name` (DICOM PN text, or 'FAMILY, GIVEN') as the archive searches it: 'FAMILY^GIVEN', upper case, no accents."""
    alphabetic = name.split("=")[0].upper().translate(PLAIN)
    parts = [part.strip() for part in re.split(r"[\^,]", alphabetic)] + [""]
    return f"{parts[0]}^{parts[1]}".rstrip("^")


# What senders make of a name: the kinds of dirt, each a function of the clean text.
MANGLED = {
    "lower case": str.lower,
    "empty components": lambda name: name + "^^^",
    "comma": lambda name: ", ".join(name.split("^")[:2]),
    "trailing blanks": lambda name: name + "  ",
}
