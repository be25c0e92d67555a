greeting = Sayın { $name },
greeting-unnamed = Sayın Başvuru Sahibi,

subject-registered = Başvurunuz alındı: { $number }
subject-referred = Başvurunuz ilgili kuruma iletildi: { $number }
subject-planned = Başvurunuz programa alındı: { $number }
subject-concluded = Başvurunuz sonuçlandırıldı: { $number }
subject-reopened = Başvurunuz yeniden işleme alındı: { $number }
subject-information-asked = Başvurunuz için sizden bilgi bekliyoruz: { $number }

body-registered = { $number } numaralı başvurunuz kayda alınmıştır. Başvurunuz görevli birime yönlendirilecek, gelişmeler bu e-posta adresine bildirilecektir.
body-referred = { $number } numaralı başvurunuz, konusu belediyemizin görev alanına girmediğinden, 3071 sayılı Dilekçe Hakkının Kullanılmasına Dair Kanun'un 5. maddesi uyarınca yetkili kuruma iletilmiştir.
body-planned = { $number } numaralı başvurunuza konu olan çalışma programa alınmıştır.
body-concluded = { $number } numaralı başvurunuz sonuçlandırılmıştır.
body-reopened = { $number } numaralı başvurunuz yeniden açılmış ve tekrar işleme alınmıştır. Gelişmeler bu e-posta adresine bildirilecektir.
body-information-asked = { $number } numaralı başvurunuz üzerinde çalışılabilmesi için sizden bilgi alınmasına ihtiyaç duyulmuştur. Yanıtınız ulaştığında çalışma sürdürülecektir.

state = Durum: { $state }
institution = Kurum: { $institution }
planned-for = Planlanan tarih: { $date }
sub-result = Sonuç: { $sub-result }
answer = Açıklama:
question = Sorumuz:

track = Başvurunuzun durumunu aşağıdaki adresten izleyebilirsiniz:
answer-here = Yanıtınızı aşağıdaki adreste yazabilirsiniz:
tracking-secret = Takip kodunuz: { $secret }
    Bu kod yalnızca size özeldir, lütfen kimseyle paylaşmayınız.

closing = Saygılarımızla,
signature = Çözüm Merkezi
automatic = Bu ileti otomatik olarak gönderilmiştir; lütfen yanıtlamayınız.

date = { $day } { $month ->
    [1] Ocak
    [2] Şubat
    [3] Mart
    [4] Nisan
    [5] Mayıs
    [6] Haziran
    [7] Temmuz
    [8] Ağustos
    [9] Eylül
    [10] Ekim
    [11] Kasım
   *[12] Aralık
  } { $year }
